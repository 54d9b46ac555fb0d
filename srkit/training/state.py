"""All that resuming needs, in one safetensors file: weights, average, optimizer, RNG, counters.

Batches and degradations are pure functions of the step, so no loader has a state. The random
number generator is seeded anew for every step and process (`seed_step`), so a run may go on with
another number of processes; what is saved of it tells that two runs stand at the same point.

A state is written beside its name and renamed into place, and carries a sha256 of its contents, so
a kill at any instant leaves the one before it usable and a damaged one is never used. The last
two are kept.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from srkit.checkpoint import FORMAT, digest, read_tensors
from srkit.errors import CheckpointError, TrainingError
from srkit.files import write_atomically
from srkit.models.network import Network
from srkit.training.average import WeightAverage
from srkit.training.config import EarlyStop, Training

KEPT = 2


def seed_step(seed: int, step: int, rank: int, device: torch.device) -> None:
    """Seed torch's generators for what a process draws in a step (dropout and the like)."""
    (number,) = np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)
    # Not torch.manual_seed: it seeds every kind of device, which takes as long as an optimiser.
    torch.default_generator.manual_seed(int(number))
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(int(number))


@dataclass(kw_only=True)
class Counters:
    """Where a run stands."""

    step: int = 0
    """Steps done."""
    seconds: float = 0.0
    """Time spent training, over all sessions; the one number that is not reproducible."""
    sums: dict[str, float] = field(default_factory=dict)
    """Sums of the loss ("total") and its terms since the last line of the log."""
    best: float = -math.inf
    """Highest score on the first validation set: PSNR in dB, or a part of the images."""
    best_step: int = 0
    """After which step that was."""
    mark: float = -math.inf
    """The score that early stopping asks a score to beat by `min_delta`."""
    stale: int = 0
    """Validations since that score."""
    patches: int = 0
    """Patches the next step would take, over all processes."""
    scaler: dict[str, Any] = field(default_factory=dict)
    """State of float16's loss scaling; empty in other precisions."""

    def add(self, losses: Mapping[str, float]) -> None:
        """Add a step's loss and terms to those since the last line of the log."""
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def take_means(self, log_every: int) -> dict[str, float]:
        """Give the means since the last line of the log, and begin anew."""
        steps = self.step % log_every or log_every
        means = {name: total / steps for name, total in self.sums.items()}
        self.sums = {}
        return means

    def note(self, score: float, early: EarlyStop | None) -> bool:
        """Take the score of a validation on the first set; tell whether it is the best so far."""
        if score > self.mark + (early.min_delta if early else 0.0):
            self.mark, self.stale = score, 0
        else:
            self.stale += 1
        better = score > self.best
        if better:
            self.best, self.best_step = score, self.step
        return better

    def finished(self, recipe: Training) -> bool:
        """Tell whether the last step is done, or the score has stood still for long enough."""
        early = recipe.early_stop
        return self.step >= recipe.total_iter or (
            early is not None and self.stale >= early.patience
        )


def save_state(
    folder: Path,
    counters: Counters,
    model: Network,
    average: WeightAverage,
    optimizer: torch.optim.Optimizer,
) -> Path:
    """Write the state of a run after a step and drop all but the last two.

    Raises: OSError when it cannot be written; the states before it stand untouched.
    """
    tensors: dict[str, Tensor] = {"rng": torch.get_rng_state()}
    for prefix, module in (("model.", model), ("average.", average.model)):
        for name, tensor in module.state_dict().items():
            tensors[prefix + name] = tensor.detach().cpu().contiguous()
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            tensors[f"optimizer.{index}.{key}"] = torch.as_tensor(value).cpu().contiguous()
    metadata = {"srkit": FORMAT, "state": json.dumps(asdict(counters))}
    metadata["sha256"] = digest(metadata, tensors)
    data = to_bytes(tensors, metadata)
    path = folder / _name(counters.step)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write(data))
    for old in saved_states(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def _name(step: int) -> str:
    return f"state-{step:08d}.safetensors"


def saved_states(folder: Path) -> list[Path]:
    """Give the states in a folder, newest first."""
    return sorted(folder.glob("state-*.safetensors"), reverse=True)


def drop_later_states(folder: Path, step: int) -> None:
    """Remove the states after a step: damaged ones, or they would count among those kept.

    Raises: OSError when one cannot be removed.
    """
    for path in saved_states(folder):
        if path.name > _name(step):
            path.unlink(missing_ok=True)


def read_state(
    folder: Path, warn: Callable[[str], None] = lambda message: None
) -> tuple[Counters, Mapping[str, Tensor]] | None:
    """Read the newest undamaged state; warn of each damaged one passed over.

    Gives None when there is no state at all.

    Raises: TrainingError when there are states and all are damaged.
    """
    paths = saved_states(folder)
    for path in paths:
        try:
            metadata, tensors = read_tensors(path)
            return Counters(**json.loads(metadata["state"])), tensors
        except (CheckpointError, KeyError, TypeError, ValueError) as error:
            warn(f"{error}; trying the state before it")
    if paths:
        raise TrainingError(f"{folder}: every saved state is damaged, nothing to resume from")
    return None


def restore(
    tensors: Mapping[str, Tensor],
    model: Network,
    average: WeightAverage,
    optimizer: torch.optim.Optimizer,
) -> None:
    """Put a state's tensors back where `save_state` took them from."""
    model.load_state_dict(_under("model.", tensors))
    average.model.load_state_dict(_under("average.", tensors))
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    values: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _under("optimizer.", tensors).items():
        index, key = name.split(".", 1)
        weight = weights[int(index)]
        if tensor.shape == weight.shape:
            # In the order its weight has in memory, channels last: fused optimisers rely on it.
            tensor = torch.empty_like(weight, requires_grad=False).copy_(tensor)
        values.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict(
        {"state": values, "param_groups": optimizer.state_dict()["param_groups"]}
    )
    torch.set_rng_state(tensors["rng"])


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
