"""What a run would take: asked before it starts, answered by doing a few steps of it.

The steps are real ones (forward, backward, optimiser, average) on one batch of noise, and nothing
is written. Images are counted, not read.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from srkit.data.batches import Batch
from srkit.data.datasets import NAMES, resolve_dataset
from srkit.data.degradations import create_degradation
from srkit.data.div2k import HR
from srkit.errors import ConfigError, DataError
from srkit.images import image_files
from srkit.images.naming import display_name
from srkit.models.cost import multiply_adds, parameters
from srkit.models.model import Model
from srkit.training.config import TrainingConfig
from srkit.training.engine import engine
from srkit.training.learner import Learner
from srkit.training.network import create_network, is_classifier
from srkit.training.patches import PatchPlan
from srkit.training.schedule import learning_rate
from srkit.training.validation import find_sets

WARM_UP, TIMED = 2, 8  # steps


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A run's size and pace on this machine, by itself on it."""

    parameters: int
    multiply_adds: float
    """For each LR pixel."""
    receptive_field: int | None
    """Radius in LR pixels; None = the whole image."""
    scale: int
    images: int
    """HR images found, or those of a set that is not downloaded yet."""
    patches: int
    """Patches a step takes, over all processes."""
    patch_size: int
    """Side of a patch at the first step, in LR pixels."""
    memory: int
    """Bytes: on a GPU the most that was allocated, else what the process held after a forward."""
    steps_per_second: float
    seconds: float
    """For all steps, without validation."""


def estimate(
    config: TrainingConfig, *, data_root: Path | None = None, device: str = "auto"
) -> Estimate:
    """Take a few steps of the run a configuration describes, and say what all would take.

    Raises: ConfigError for a setting that cannot work; DataError for a folder that is not there or
        holds no images.
    """
    if is_classifier(config):
        raise ConfigError(
            f"--dry-run measures networks that enlarge, {config.network_g.type} is a classifier"
        )
    images = _count_images(config.datasets.train.dataroot_gt)
    find_sets(config.datasets.val, data_root)
    with engine(device, config.train.precision) as accelerator:
        torch.manual_seed(config.manual_seed)
        model = create_network(config)
        create_degradation(config.datasets.train.degradation, scale=model.scale)
        cost = multiply_adds(model)
        plan = PatchPlan.of(config, scale=model.scale, processes=accelerator.num_processes)
        learner = Learner(model, config.train, accelerator)
        batch = _noise(plan.batches[0], plan.sizes[0], model)
        kept = learner.spread(batch.to(accelerator.device))  # with all that backward needs
        memory = _memory(accelerator.device)
        del kept
        for step in range(WARM_UP + TIMED):
            if step == WARM_UP:
                _wait(accelerator.device)
                start = time.perf_counter()
            learner.differentiate([batch] * config.train.accumulate)
            learner.update(step, learning_rate(step, config.train))
        _wait(accelerator.device)
        rate = TIMED / (time.perf_counter() - start)
        return Estimate(
            parameters=parameters(model),
            multiply_adds=cost,
            receptive_field=model.receptive_field,
            scale=model.scale,
            images=images,
            patches=plan.patches(0),
            patch_size=plan.sizes[0],
            memory=memory,
            steps_per_second=rate,
            seconds=config.train.total_iter / rate,
        )


def _noise(count: int, size: int, model: Model) -> Batch:
    lr, hr = (
        torch.rand(count, model.image_channels, side, side).contiguous(
            memory_format=torch.channels_last
        )
        for side in (size, size * model.scale)
    )
    return Batch(lr, hr)


def _count_images(roots: list[str]) -> int:
    total = 0
    for root in roots:
        split = NAMES.get(root.lower())
        found = (
            HR[split].images if split else len(image_files(resolve_dataset(root), recursive=True))
        )
        if not found:
            raise DataError(f"{display_name(root)}: no images in this folder")
        total += found
    return total


def _wait(device: torch.device) -> None:
    """Wait until a GPU has done what it was given, or a clock would time the giving."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return psutil.Process().memory_info().rss
