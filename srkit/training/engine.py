"""The engine that runs the loop on one device or on many: Hugging Face's accelerate.

Started plainly, a run has one process and one device. Under `torchrun` or `accelerate launch` it
has as many as those start, on one machine or several; srkit itself starts none.
"""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import InitProcessGroupKwargs

from srkit.data.loader import WORKERS_SHARE_MEMORY
from srkit.errors import ConfigError, LostProcessError
from srkit.inference.device import choose_device

# Processes wait for the one that downloads and decodes the training images, which takes longer than
# the ten minutes NCCL allows by itself. One that has ended is noticed without it, by its closed
# connection or by the launcher.
PATIENCE = timedelta(hours=12)
_MODES = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}
_LOST = re.compile(r"connection (closed|reset|refused)|broken pipe|time(d |-)?out", re.IGNORECASE)


@contextmanager
def engine(device: str = "auto", precision: str = "float32") -> Iterator[Accelerator]:
    """Join the processes of a run, on `device`, computing in `precision` where that is safe.

    Under a launcher every process takes the device of its own rank, of the kind named.

    Raises: ConfigError for a device that is not there or cannot compute in that precision;
        LostProcessError when another process ends before the run does.
    """
    target = choose_device(device)
    launched = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if target.type == "cuda" and not launched:
        torch.cuda.set_device(target)
    _check_precision(target, precision)
    try:
        with warnings.catch_warnings():
            # accelerate warns of kernels and drivers that matter to engines srkit does not use.
            warnings.simplefilter("ignore")
            accelerator = Accelerator(
                mixed_precision=_MODES[precision],
                cpu=target.type == "cpu",
                kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
            )
        yield accelerator
        if accelerator.num_processes > 1:
            accelerator.wait_for_everyone()
    except RuntimeError as error:
        if launched and _tells_of_another(error):
            raise LostProcessError("another process of the run failed") from error
        raise
    finally:
        if launched and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        # A process may train more than once, each time in another precision.
        AcceleratorState._reset_state(reset_partial_state=True)


def _tells_of_another(error: RuntimeError) -> bool:
    """Tell whether an exchange failed because another process is not there any more.

    NCCL's errors have a type, gloo's only their words.
    """
    exchange = isinstance(error, torch.distributed.DistError) or "gloo" in str(error)
    return exchange and _LOST.search(str(error)) is not None


def share_images(accelerator: Accelerator, workers: int) -> bool:
    """Tell whether several processes of a machine draw from the training images.

    In memory each would have a copy of its own.
    """
    local = int(os.environ.get("LOCAL_WORLD_SIZE", accelerator.num_processes))
    return local > 1 or (workers > 0 and not WORKERS_SHARE_MEMORY)


def _check_precision(device: torch.device, precision: str) -> None:
    if precision == "float32":
        return
    able = {
        "cpu": ["float32", "bfloat16"],
        "cuda": ["float32", "float16"],
        "mps": ["float32", "float16"],
        "xpu": ["float32", "bfloat16", "float16"],
    }.get(device.type, ["float32"])
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        able.append("bfloat16")
    if precision not in able:
        raise ConfigError(
            f"train.precision: {device.type} cannot train in {precision} here",
            hint=f"choose {' or '.join(able)}",
        )
