"""Two small photographs, and the smallest run that has every part of a large one."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from skimage import data

from srkit import checkpoint
from srkit.training.config import TrainingConfig
from srkit.training.config_words import put

Configure = Callable[..., TrainingConfig]


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    Image.fromarray(data.astronaut()[:160, 150:310]).save(folder / "astronaut.png")
    Image.fromarray(data.chelsea()[50:190, 100:260]).save(folder / "cat.png")
    return folder


@pytest.fixture(scope="session")
def configure(photographs: Path) -> Configure:
    """Build a configuration of 12 steps, with what differs given by dotted keys."""

    def build(changes: dict[str, Any] | None = None) -> TrainingConfig:
        values: dict[str, Any] = {
            "name": "tiny",
            "scale": 2,
            "datasets": {
                "train": {
                    "dataroot_gt": str(photographs),
                    "gt_size": 32,
                    "batch_size_per_gpu": 2,
                    "cache": "memory",
                },
                "val": [{"dataroot_gt": str(photographs), "name": "both"}],
            },
            "network_g": {"type": "lapwave-s", "features": 8, "blocks": 1, "expansion": 0},
            "path": {},
            "train": {"total_iter": 12, "optim_g": {}},
            "val": {"val_freq": 6},
            "logger": {"print_freq": 3, "save_checkpoint_freq": 5},
        }
        for key, value in (changes or {}).items():
            put(values, key, value, shown=key)
        return TrainingConfig.model_validate(values)

    return build


@pytest.fixture(scope="session")
def fingerprint() -> Callable[[Path], dict[str, str]]:
    """Hash the logs, and every tensor of the last state: weights, average, optimizer, RNG."""

    def of(folder: Path) -> dict[str, str]:
        (state, *_) = sorted((folder / "training_states").iterdir(), reverse=True)
        _, tensors = checkpoint.read_tensors(state)
        found = {
            name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
            for name, tensor in tensors.items()
        }
        logs = {name: (folder / "log" / name).read_text() for name in ("log.csv", "log.jsonl")}
        return found | logs | {"state": state.name}

    return of


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    """Give torch's generator back as a test found it: runs seed it."""
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)
