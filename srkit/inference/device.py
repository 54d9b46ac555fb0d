"""Which device a model runs on, and in which precision."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from srkit.errors import ConfigError

Precision = Literal["auto", "float32", "float16", "bfloat16"]

# "auto" is float32 on every device: there tiled equals untiled, and 16-bit images need it.
_DTYPES = {
    "auto": torch.float32,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


def choose_device(name: str = "auto") -> torch.device:
    """Turn `auto`, `cpu`, `cuda`, `cuda:1`, `xpu` or `mps` into a device of this machine.

    `auto` is the first there is of CUDA, XPU, MPS and CPU.
    Raises: ConfigError for a name torch does not know and a device that is not there.
    """
    counts = {
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "xpu": torch.xpu.device_count() if torch.xpu.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
        "cpu": 1,
    }
    present = [kind for kind, count in counts.items() if count]
    if name == "auto":
        return torch.device(present[0])
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or (device.index or 0) >= counts.get(device.type, 0):
        raise ConfigError(
            f"device {name!r} is not available here", hint=f"choose auto, {', '.join(present)}"
        )
    return device


def dtype_of(precision: Precision) -> torch.dtype:
    """Give the float type a precision stands for.

    Raises: ConfigError for an unknown name.
    """
    if precision not in _DTYPES:
        raise ConfigError(f"unknown precision {precision!r}: choose one of {', '.join(_DTYPES)}")
    return _DTYPES[precision]


@contextmanager
def arithmetic(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Compute without gradients in `dtype`, and in float32 without shortcuts.

    Weights stay float32 (autocast), so that a tile can be run again in float32. cuDNN's default
    TF32 keeps 10 bits and picks its kernels by shape: there tiled would not equal untiled.
    """
    full = dtype == torch.float32
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=not full):
        if device.type == "cuda":
            with torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True, allow_tf32=not full
            ):
                yield
        else:
            yield
