"""How fast training is, against the fastest it could be on this machine.

    python scripts/benchmark_training.py --dataset FOLDER [--config FILE] [--steps 300]

The limit is a bare forward and backward pass of the same network, with the same objective, on one
batch that stays in memory: no data, no optimiser, no average, no log. The loop is `srkit train`'s
own, all of that included. Both are timed in turns within one run, so that what else the machine
does meets both alike; medians over the turns are printed, with the ratio of each turn's pair.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from srkit.data.batches import Batch
from srkit.training.config import TrainingConfig
from srkit.training.config_file import read_config
from srkit.training.loop import train
from srkit.training.network import create_network, patch_sizes
from srkit.training.objectives import create_objective
from srkit.training.pace import Pace
from srkit.training.watch import Watchers

WARM_UP = 10  # steps


class Stopwatch(Watchers):
    """Time the loop's steps in turns with bare steps of an equal network."""

    def __init__(self, config: TrainingConfig, turn: int) -> None:
        super().__init__([])
        torch.manual_seed(0)
        model = create_network(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = create_objective(model, config.train.losses)
        size, count = patch_sizes(config, model.scale)[0], config.datasets.train.batch_size_per_gpu
        side = size * model.scale
        self.batch = Batch(
            *(
                torch.rand(count, 3, s, s).contiguous(memory_format=torch.channels_last)
                for s in (size, side)
            )
        )
        self.turn = turn
        self.loop: list[float] = []
        self.bare: list[float] = []
        self.since = 0.0

    def stepped(self, step: int, pace: Pace) -> None:
        """Close a turn of the loop with a turn of bare steps."""
        if step < WARM_UP or (step - WARM_UP) % self.turn:
            return
        if step > WARM_UP:
            self.loop.append((time.perf_counter() - self.since) / self.turn)
        start = time.perf_counter()
        for _ in range(self.turn):
            self.objective.zero_grad(set_to_none=True)
            self.objective.total(self.objective(self.batch)).backward()  # type: ignore[no-untyped-call]
        self.since = time.perf_counter()
        self.bare.append((self.since - start) / self.turn)


def main() -> None:
    """Train a few hundred steps and print the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", required=True, help="a folder of HR images")
    parser.add_argument("--config", type=Path, help="a recipe; lapwave-m x4 when absent")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--turn", type=int, default=20, help="steps before the other's turn")
    arguments = parser.parse_args()
    values = read_config(arguments.config) if arguments.config else {}
    values = {"name": "benchmark", "scale": 4, "network_g": {"type": "lapwave-m"}} | values
    values["datasets"] = {
        "train": values.get("datasets", {}).get("train", {"gt_size": 128})
        | {"dataroot_gt": [arguments.dataset]}
    }
    values["train"] = values.get("train", {}) | {"total_iter": WARM_UP + arguments.steps}
    values.pop("path", None)
    config = TrainingConfig.model_validate(values)
    stopwatch = Stopwatch(config, arguments.turn)
    with tempfile.TemporaryDirectory() as folder:
        train(config, Path(folder) / "run", device="cpu", watch=stopwatch)
    pairs = list(zip(stopwatch.bare, stopwatch.loop, strict=False))
    ratios = sorted(bare / loop for bare, loop in pairs)
    bare, loop = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"{config.network_g.type}, {len(pairs)} turns of {arguments.turn} steps each")
    print(f"bare forward and backward  {1 / bare:8.2f} steps/s")
    print(f"the whole training loop    {1 / loop:8.2f} steps/s")
    print(
        f"fraction of the limit      {statistics.median(ratios):8.1%}"
        f"  (turns: {ratios[0]:.1%} to {ratios[-1]:.1%})"
    )


if __name__ == "__main__":
    main()
