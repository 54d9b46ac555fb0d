"""Two processes under torchrun are one process with the doubled batch."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from srkit import checkpoint
from srkit.training.config import TrainingConfig
from srkit.training.config_file import write_config
from srkit.training.loop import train

Configure = Callable[..., TrainingConfig]

pytestmark = pytest.mark.slow


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """An odd number of images: one process scores two of them, the other one."""
    folder = tmp_path / "three"
    folder.mkdir()
    for name in ("astronaut", "chelsea", "coffee"):
        Image.fromarray(getattr(data, name)()[64:160, 64:144]).save(folder / f"{name}.png")
    return folder


def both(configure: Configure, folder: Path, changes: dict[str, Any]) -> tuple[Path, Path]:
    """Train with two processes, and with one and twice the batch; give the two runs' folders."""
    path = folder / "tiny.yml"
    path.write_text(write_config(configure(changes)))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    ended = subprocess.run(
        [
            *(sys.executable, *launch, "-m", "srkit", "train"),
            *("--config", str(path), "-o", str(folder / "two"), "--device", "cpu"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    two, one = folder / "two" / "tiny", folder / "one" / "tiny"
    # One process speaks: the path of the checkpoint is printed once.
    assert ended.stdout.split() == [str(two / "models" / "tiny.safetensors")]
    train(configure(changes | {"datasets.train.batch_size_per_gpu": 4}), one)
    return two, one


def rows(run: Path, key: str) -> list[dict[str, Any]]:
    lines = (run / "log" / "log.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if key in row]


def state(run: Path) -> dict[str, Tensor]:
    return checkpoint.read_tensors(max((run / "training_states").iterdir()))[1]


def test_gradients_are_shared_and_validation_is_exact(
    configure: Configure, tmp_path: Path, three: Path
) -> None:
    # At this rate no weight changes: what is validated is the same to the last bit.
    changes = {
        "train.optim_g.lr": 1e-30,
        "logger.print_freq": 1,
        "datasets.val": [{"dataroot_gt": str(three), "name": "three"}],
    }
    two, one = both(configure, tmp_path, changes)
    assert rows(two, "psnr") == rows(one, "psnr")
    assert len(rows(one, "psnr")) == 2
    for ours, theirs in zip(rows(two, "loss"), rows(one, "loss"), strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-6)
    ours, theirs = state(two), state(one)
    assert theirs["optimizer.0.exp_avg"].abs().max() > 0
    for name, tensor in theirs.items():
        if name != "rng":
            # Sums of gradients in another order.
            torch.testing.assert_close(ours[name], tensor, rtol=1e-4, atol=1e-7)


def test_accumulation_and_processes_make_one_large_batch(
    configure: Configure, tmp_path: Path
) -> None:
    two, one = both(configure, tmp_path, {"train.accumulate": 2, "logger.print_freq": 1})
    assert len(rows(one, "loss")) == 12
    for key, tolerance in (("loss", 2e-6), ("psnr", 2e-3), ("ssim", 2e-5)):
        for ours, theirs in zip(rows(two, key), rows(one, key), strict=True):
            assert ours["step"] == theirs["step"]
            assert ours[key] == pytest.approx(theirs[key], abs=tolerance)
    ours, theirs = state(two), state(one)
    for name in (name for name in theirs if name.startswith(("model.", "average."))):
        torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=1e-4)
