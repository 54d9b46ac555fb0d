"""One file is one model: it comes back whole, or not at all."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from srkit import checkpoint
from srkit.checkpoint import Card
from srkit.errors import CheckpointError
from srkit.models import build_model

CARD = Card(name="tiny", summary="a test", steps=7, scores=[{"set": "Set5", "psnr": 30.5}])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    checkpoint.save(path, build_model("sr_network", {"features": 8, "blocks": 1}), CARD)
    return path


def test_comes_back_with_its_config_card_and_weights(saved: Path) -> None:
    torch.manual_seed(0)
    original = build_model("sr_network", {"features": 8, "blocks": 1})
    loaded = checkpoint.load(saved)
    assert loaded.card == CARD
    assert (loaded.model, loaded.config["features"]) == ("sr_network", 8)
    assert not loaded.module.training
    x = torch.rand(1, 3, 9, 7)
    torch.testing.assert_close(loaded.module(x), original.eval()(x), atol=0, rtol=0)


def test_the_header_is_read_without_the_weights(saved: Path) -> None:
    header = checkpoint.read_header(saved)
    assert header.card == CARD
    assert header.sha256 == checkpoint.load(saved).sha256


def test_the_sha256_is_of_the_contents(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    original = checkpoint.load(saved)
    assert checkpoint.save(again, original.module, CARD) == original.sha256
    other = Card(name="another")
    assert checkpoint.save(again, original.module, other) != original.sha256


def test_every_flipped_byte_is_noticed(saved: Path) -> None:
    good = saved.read_bytes()
    generator = torch.Generator().manual_seed(0)
    for position in torch.randint(len(good), (200,), generator=generator).tolist():
        damaged = bytearray(good)
        damaged[position] ^= 0x10
        saved.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=str(saved)):
            checkpoint.load(saved)


@pytest.mark.parametrize("keep", [0, 7, 8, 100, 2000, -1])
def test_a_truncated_file_is_noticed(saved: Path, keep: int) -> None:
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="not a safetensors file, or a damaged one"):
        checkpoint.load(saved)


class Trap:
    """Unpickled, this would create the file it names."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.canary,))


def test_a_pickle_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    canary = tmp_path / "canary"
    raw, renamed = tmp_path / "model.pth", tmp_path / "model.safetensors"
    torch.save(Trap(canary), raw)
    renamed.write_bytes(pickle.dumps(Trap(canary)))
    for path in (raw, renamed):
        with pytest.raises(CheckpointError) as caught:
            checkpoint.load(path)
        assert "never pickled ones" in str(caught.value.hint)
    assert not canary.exists()


def test_another_program_s_safetensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    for read in (checkpoint.load, checkpoint.read_header):
        with pytest.raises(CheckpointError, match="not an srkit checkpoint"):
            read(path)


def test_a_later_format_asks_for_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "later.safetensors"
    save_file({"weight": torch.zeros(3)}, path, {"srkit": "9"})
    with pytest.raises(CheckpointError, match="format '9'"):
        checkpoint.load(path)


def test_a_config_that_does_not_fit_its_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.safetensors"
    metadata = {
        "srkit": "1",
        "model": "sr_network",
        "config": json.dumps({"features": 8}),
        "card": json.dumps({"name": "odd"}),
    }
    weights = {"weight": torch.zeros(3)}
    save_file(weights, path, {**metadata, "sha256": checkpoint.digest(metadata, weights)})
    with pytest.raises(CheckpointError, match="made for another version"):
        checkpoint.load(path)


def test_a_name_that_is_nothing_lists_the_released_models() -> None:
    with pytest.raises(
        CheckpointError, match="lapwafe-m-x2: neither a file nor a released model"
    ) as caught:
        checkpoint.load("lapwafe-m-x2")
    listed = f"released models: {', '.join(checkpoint.released())}"
    assert caught.value.hint == f"did you mean 'lapwave-m-x2'? {listed}"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="a folder"):
        checkpoint.load(tmp_path)


def test_a_failed_write_leaves_the_old_file(saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(TypeError):
        checkpoint.save(saved, checkpoint.load(saved).module, Card(name=object()))  # type: ignore[arg-type]
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]
