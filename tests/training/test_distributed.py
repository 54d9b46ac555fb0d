"""Two processes under torchrun are one process with the doubled batch."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from srkit import checkpoint
from srkit.training.config import TrainingConfig
from srkit.training.config_file import write_config
from srkit.training.loop import train

Configure = Callable[..., TrainingConfig]


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "log" / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize("accumulate", [1, 2])
def test_two_processes_are_one_with_the_doubled_batch(
    configure: Configure, tmp_path: Path, accumulate: int
) -> None:
    config = configure({"train.accumulate": accumulate, "logger.print_freq": 1})
    path = tmp_path / "tiny.yml"
    path.write_text(write_config(config))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ended = subprocess.run(
        [
            *(sys.executable, *launch, "-m", "srkit", "train"),
            *("--config", str(path), "-o", str(tmp_path / "two"), "--device", "cpu"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    # One process speaks: the path of the checkpoint is printed once.
    assert ended.stdout.split() == [str(tmp_path / "two" / "tiny" / "models" / "tiny.safetensors")]

    doubled = configure(
        {
            "train.accumulate": accumulate,
            "datasets.train.batch_size_per_gpu": 4,
            "logger.print_freq": 1,
        }
    )
    train(doubled, tmp_path / "one" / "tiny")
    two, one = rows(tmp_path / "two" / "tiny"), rows(tmp_path / "one" / "tiny")
    assert len(one) == 12 + 2
    assert [row["step"] for row in two] == [row["step"] for row in one]
    for ours, theirs in zip(two, one, strict=True):
        for column, tolerance in (("loss", 2e-6), ("psnr", 2e-3), ("ssim", 2e-5)):
            if theirs[column]:
                assert float(ours[column]) == pytest.approx(float(theirs[column]), abs=tolerance)
    weights = [
        checkpoint.load(tmp_path / name / "tiny" / "models" / "tiny.safetensors").module
        for name in ("two", "one")
    ]
    for mine, other in zip(weights[0].parameters(), weights[1].parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-4)
