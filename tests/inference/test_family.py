"""Which models a name stands for."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from srkit import checkpoint
from srkit.data.pairs import bicubic
from srkit.errors import CheckpointError, ConfigError
from srkit.images import Image
from srkit.inference.family import load_family
from srkit.inference.tile_runner import Traits
from srkit.inference.upscaler import upscale_image
from srkit.models import build_model

CPU = torch.device("cpu")


def save(path: Path, settings: dict[str, int], kind: str = "sr_network") -> None:
    module = build_model(kind, settings)
    checkpoint.save(path, module, checkpoint.Card(name=path.stem))


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of released checkpoints of our own."""
    small = {"features": 4, "blocks": 1}
    for scale in (2, 4):
        save(tmp_path / f"wave-{scale}-x{scale}.safetensors", small | {"scale": scale})
        save(tmp_path / f"wave-x{scale}.safetensors", small | {"scale": scale})
    save(tmp_path / "lpae.safetensors", {}, "lpae")
    monkeypatch.setattr(checkpoint, "checkpoints_folder", lambda: tmp_path)
    return tmp_path


def test_a_family_is_all_its_scales_and_enlarges_by_four() -> None:
    family = load_family("wave", CPU)
    assert family.label == "wave"
    assert family.scale == 4
    assert sorted(Traits.of(module).scale for module in family.modules) == [2, 4]


def test_a_released_name_is_one_model_and_enlarges_by_its_scale() -> None:
    family = load_family("wave-x2", CPU)
    assert (family.label, family.scale, len(family.modules)) == ("wave-x2", 2, 1)


def test_a_file_is_one_model(shelf: Path) -> None:
    (shelf / "wave-x2.safetensors").rename(shelf / "mine.v1.safetensors")
    family = load_family(str(shelf / "mine.v1.safetensors"), CPU)
    assert (family.label, family.scale, len(family.modules)) == ("mine.v1", 2, 1)


def test_bicubic_is_plain_interpolation_by_any_scale() -> None:
    family = load_family("bicubic", CPU)
    assert (family.label, family.scale) == ("bicubic", 4)
    photograph = np.ascontiguousarray(data.chelsea()[:60, :70])
    for scale in (2, 4):
        image = Image(colour=photograph)
        ours = upscale_image(family.modules, image, scale=scale).colour
        difference = ours.astype(int) - bicubic(photograph, scale)
        # MATLAB rounds between the two passes.
        assert np.abs(difference).max() <= 1
        assert np.abs(difference).mean() < 0.3
    odd = upscale_image(family.modules, Image(colour=photograph), scale=1.5).colour
    assert odd.shape == (90, 105, 3)


def test_models_that_do_not_enlarge_are_refused() -> None:
    with pytest.raises(ConfigError, match="lpae: not a super-resolution model"):
        load_family("lpae", CPU)


def test_an_unknown_name_is_told_the_nearest_and_all_that_enlarge(shelf: Path) -> None:
    (shelf / "damaged.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="wav-x2: neither a file nor a released") as caught:
        load_family("wav-x2", CPU)
    assert caught.value.hint == (
        "did you mean 'wave-x2'? choose a file or one of: bicubic, wave-2, wave-4, wave, "
        "wave-2-x2, wave-4-x4, wave-x2, wave-x4"
    )


@pytest.mark.parametrize("name", ["wav", "wave-x3", "", "wave-x", "WAVE"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(CheckpointError):
        load_family(name, CPU)
