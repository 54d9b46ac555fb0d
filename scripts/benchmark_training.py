"""How fast training is, against the fastest it could be on this machine.

    python scripts/benchmark_training.py --dataset FOLDER [--config FILE] [--set KEY=VALUE ...]

The limit is a bare forward and backward pass of the same network with the same objective, in the
same precision, on one batch that stays in memory: no data, no optimiser, no average, no log. The
loop is `srkit train`'s own, all of that included but for validations and saved states, which come
once in a thousand steps or more. Both run in turns of a few steps within one process, so that what
else the machine does meets both alike; a ratio is taken of each pair of neighbouring turns, and
the median of these ratios is what counts.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from srkit.data.batches import Batch
from srkit.training.config import TrainingConfig
from srkit.training.config_check import parse_config
from srkit.training.config_file import read_config
from srkit.training.config_words import apply
from srkit.training.learner import lay_kernels_out
from srkit.training.loop import train
from srkit.training.network import create_network, patch_sizes
from srkit.training.objectives import create_objective
from srkit.training.pace import Pace
from srkit.training.watch import Watcher

WARM_UP = 10  # steps


class Stopwatch(Watcher):
    """Time the loop's steps in turns with bare steps of an equal network."""

    def __init__(self, config: TrainingConfig, turn: int) -> None:
        torch.manual_seed(0)
        model = create_network(config)
        lay_kernels_out(model)
        self.objective = create_objective(model, config.train.losses)
        self.precision = config.train.precision
        size, count = patch_sizes(config, model.scale)[0], config.datasets.train.batch_size_per_gpu
        lr, hr = (
            torch.rand(count, 3, side, side).contiguous(memory_format=torch.channels_last)
            for side in (size, size * model.scale)
        )
        self.batch = Batch(lr, hr)
        self.turn = turn
        self.loop: list[float] = []
        self.bare: list[float] = []
        self.since = 0.0

    def stepped(self, step: int, pace: Pace) -> None:
        """Close a turn of the loop with a turn of bare steps."""
        if step < WARM_UP or (step - WARM_UP) % self.turn:
            return
        start = time.perf_counter()
        if step > WARM_UP:
            self.loop.append((start - self.since) / self.turn)
        for _ in range(self.turn):
            self.bare_step()
        self.since = time.perf_counter()
        if step > WARM_UP:
            self.bare.append((self.since - start) / self.turn)

    def bare_step(self) -> None:
        """Compute a gradient and nothing else."""
        self.objective.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.precision == "bfloat16"):
            terms = self.objective(self.batch)
        self.objective.total(terms).backward()


def main() -> None:
    """Train a few hundred steps and print the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", required=True, help="a folder of HR images")
    parser.add_argument("--config", type=Path, help="a recipe; lapwave-m x4 when absent")
    parser.add_argument("--set", action="append", default=[], help="as srkit train's")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--turn", type=int, default=5, help="steps before the other's turn")
    arguments = parser.parse_args()
    values: dict[str, Any] = {"scale": 4, "network_g": {"type": "lapwave-m"}}
    if arguments.config:
        values = read_config(arguments.config)
    images = values.get("datasets", {}).get("train", {})
    for key in ("dataroot_lq", "weights"):  # of the recipe's own folders
        images.pop(key, None)
    recipe = values.get("train", {}) | {"total_iter": WARM_UP + arguments.steps}
    recipe.pop("warmup_iter", None)  # of a longer run
    values |= {
        "name": "benchmark",
        "datasets": {"train": images | {"dataroot_gt": [arguments.dataset]}},
        "train": recipe,
    }
    values.pop("path", None)
    config = parse_config(apply(values, arguments.set))
    stopwatch = Stopwatch(config, arguments.turn)
    with tempfile.TemporaryDirectory() as folder:
        train(config, Path(folder) / "run", device="cpu", watch=stopwatch)
    pairs = list(zip(stopwatch.bare, stopwatch.loop, strict=True))
    ratios = sorted(bare / loop for bare, loop in pairs)
    bare, loop = (statistics.median(times) for times in zip(*pairs, strict=True))
    quarter = len(ratios) // 4
    images = config.datasets.train
    print(
        f"{config.network_g.type}, {images.batch_size_per_gpu} patches a step, "
        f"{config.train.precision}, {torch.get_num_threads()} threads; "
        f"{len(pairs)} turns of {arguments.turn} steps"
    )
    print(f"bare forward and backward  {1 / bare:8.2f} steps/s")
    print(f"the whole training loop    {1 / loop:8.2f} steps/s")
    print(
        f"fraction of the limit      {statistics.median(ratios):8.1%}"
        f"  (half of the turns: {ratios[quarter]:.1%} to {ratios[-1 - quarter]:.1%})"
    )


if __name__ == "__main__":
    main()
