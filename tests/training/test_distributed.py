"""Two processes under torchrun are one process with the doubled batch."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from srkit import checkpoint
from srkit.data.labelled_files import find_labelled
from srkit.data.labelled_set import load_labelled
from srkit.training.classification import score_labels
from srkit.training.config import TrainingConfig
from srkit.training.config_file import write_config
from srkit.training.engine import engine
from srkit.training.loop import train

from .launching import torchrun

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


def spread(configure: Configure, folder: Path, changes: dict[str, Any]) -> Path:
    """Train with two processes; give the run's folder."""
    path = folder / "tiny.yml"
    path.write_text(write_config(configure(changes)))
    ended = torchrun("train", "--config", path, "-o", folder / "two", "--device", "cpu")
    assert ended.returncode == 0, ended.stderr
    two = folder / "two" / "tiny"
    command = (two / "command.txt").read_text()
    assert command.startswith(f"torchrun --nproc-per-node 2 -m srkit train --config {path} ")
    assert "; 2 x cpu, float32; " in (two / "log" / "log.txt").read_text()
    # One process speaks: the path of the checkpoint is printed once.
    assert ended.stdout.split() == [str(two / "models" / "tiny.safetensors")]
    return two


def both(
    configure: Configure, folder: Path, changes: dict[str, Any], *, accumulate: int = 1
) -> tuple[Path, Path]:
    """Train with two processes, and with one on whole batches; give the two runs' folders."""
    two = spread(configure, folder, changes | {"train.accumulate": accumulate})
    one = folder / "one" / "tiny"
    train(configure(changes | {"datasets.train.batch_size_per_gpu": 4 * accumulate}), one)
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
    two, one = both(configure, tmp_path, {"logger.print_freq": 1}, accumulate=2)
    assert len(rows(one, "loss")) == 12
    for key, tolerance in (("loss", 2e-6), ("psnr", 2e-3), ("ssim", 2e-5)):
        for ours, theirs in zip(rows(two, key), rows(one, key), strict=True):
            assert ours["step"] == theirs["step"]
            assert ours[key] == pytest.approx(theirs[key], abs=tolerance)
    ours, theirs = state(two), state(one)
    for name in (name for name in theirs if name.startswith(("model.", "average."))):
        torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=1e-4)


def test_a_classifier_is_scored_as_one_process_would(
    configure: Configure, tmp_path: Path, textures: Path
) -> None:
    """Of 15 images one process scores eight; the statistics of its norms are averaged, too."""
    images = {
        "train": {"dataroot_gt": str(textures / "train"), "batch_size_per_gpu": 4},
        "val": [{"dataroot_gt": str(textures / "valid")}],
    }
    network = {
        "type": "wrn-b4-eca",
        "depth": 1.0,
        "width": 0.25,
        "image_size": 16,
        "pooling": "global",
    }
    two = spread(configure, tmp_path, {"scale": None, "datasets": images, "network_g": network})
    classifier = checkpoint.load_classifier(two / "models" / "tiny.safetensors").module
    files = find_labelled([textures / "valid"], classes=classifier.classes)
    labelled = load_labelled(files, side=16, bands=3)
    with engine("cpu") as alone:
        found = score_labels(classifier, labelled, alone)
    last = rows(two, "accuracy")[-1]
    assert last["accuracy"] == pytest.approx(found.accuracy, abs=1e-6)
    assert last["macro_f1"] == pytest.approx(found.macro_f1, abs=1e-6)
    tensors = state(two)
    assert tensors["average.stem.1.num_batches_tracked"] == 12
    for name in ("standardisation.mean", "stem.1.running_mean", "stem.1.running_var"):
        torch.testing.assert_close(
            tensors[f"average.{name}"], tensors[f"model.{name}"], rtol=0.5, atol=0.1
        )
