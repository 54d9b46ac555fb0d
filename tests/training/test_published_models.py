"""Every published network trains from a configuration to a checkpoint, with its own objective."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from srkit import checkpoint
from srkit.models import build_model
from srkit.training.config import TrainingConfig
from srkit.training.loop import train
from srkit.training.network import create_network
from srkit.training.objectives import create_objective

Configure = Callable[..., TrainingConfig]
SMALL: dict[str, dict[str, Any]] = {
    "dwsr": {"features": 8, "convolutions": 1},
    "mwcnn": {"features": 8, "convolutions": 1},
    "mwcnn-v2": {"features": 4, "convolutions": 2},
    "lapsrn": {"features": 8, "convolutions": 1},
    "ms-lapsrn": {"features": 8, "convolutions": 1, "recursions": 2},
    "lpae-srnet": {"features": 8, "blocks": 1, "noise": 0.1},
    "wavevit-sr": {"features": 8, "blocks": 1},
}


@pytest.mark.parametrize("name", SMALL)
def test_trains(configure: Configure, tmp_path: Path, name: str) -> None:
    changes: dict[str, Any] = {
        "network_g": {"type": name, **SMALL[name]},
        "datasets.val": [],
        "train.total_iter": 4,
        "logger.print_freq": 1,
    }
    if name == "lpae-srnet":
        lpae = tmp_path / "lpae.safetensors"
        checkpoint.save(lpae, build_model("lpae"), checkpoint.Card(name="lpae"))
        changes["path.pretrain_network_g"] = str(lpae)
    config = configure(changes)
    torch.manual_seed(config.manual_seed)
    first = create_network(config)
    trained = checkpoint.load(str(train(config, tmp_path / "run").checkpoint)).module
    for weight, (key, before) in zip(trained.parameters(), first.named_parameters(), strict=True):
        if before.requires_grad:
            assert not torch.equal(weight, before), key
    lines = (tmp_path / "run" / "log" / "log.jsonl").read_text().splitlines()
    terms = [json.loads(line)["terms"] for line in lines]
    assert len(terms) == 4
    assert all(set(one) == set(create_objective(first, {}).standard) for one in terms)
