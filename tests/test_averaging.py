"""The script that averages checkpoints: by shares, of equal networks only."""

import runpy
import sys
from pathlib import Path

import pytest
import torch

from srkit import checkpoint
from srkit.checkpoint import Card
from srkit.errors import SrkitError
from srkit.models import build_model

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "average_checkpoints.py"


def average(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
    runpy.run_path(str(SCRIPT), run_name="__main__")


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        card = Card(name=path.stem, steps=100 + seed, hours=0.5)
        checkpoint.save(path, build_model("sr_network", {"scale": 2, "features": 8}), card)
    return paths


@pytest.mark.parametrize(("shares", "first"), [((), 0.5), (("--shares", "3", "1"), 0.75)])
def test_weights_are_averaged_by_their_shares(
    shares: tuple[str, ...],
    first: float,
    two: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    average(monkeypatch, *two, "-o", tmp_path / "mean.safetensors", *shares)
    a, b, mean = (checkpoint.load(path) for path in (*two, tmp_path / "mean.safetensors"))
    theirs = b.module.state_dict()
    found = mean.module.state_dict()
    for name, tensor in a.module.state_dict().items():
        torch.testing.assert_close(found[name], first * tensor + (1 - first) * theirs[name])
    assert mean.card.name == "a"
    assert mean.card.steps == 201
    assert mean.card.hours == 1.0


@pytest.mark.parametrize("shares", [["1"], ["1", "0"], ["1", "-2"]])
def test_shares_that_cannot_be_are_refused(
    shares: list[str],
    two: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        average(monkeypatch, *two, "-o", tmp_path / "mean.safetensors", "--shares", *shares)
    assert "one positive number for each checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "mean.safetensors").exists()


def test_networks_that_differ_are_refused(
    two: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wider = tmp_path / "wider.safetensors"
    checkpoint.save(wider, build_model("sr_network", {"scale": 2, "features": 12}), Card(name="w"))
    with pytest.raises(SrkitError, match=r"wider\.safetensors: is not built as"):
        average(monkeypatch, two[0], wider, "-o", tmp_path / "mean.safetensors")
