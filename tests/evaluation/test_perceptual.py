"""LPIPS is the published network's, quiet, and made of undamaged weights."""

import hashlib
import math
import os
import warnings
from pathlib import Path

import lpips
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from srkit.errors import CheckpointError
from srkit.evaluation import perceptual
from srkit.evaluation.perceptual import Perceptual, shipped_weights
from srkit.images import read_image
from srkit.images.image import Samples


@pytest.fixture(scope="module")
def distance() -> Perceptual:
    return Perceptual()


def as_published(a: Samples, b: Samples) -> float:
    """Compute LPIPS step by step from the paper's equation (1), with no module of the package."""
    weights = load_file(shipped_weights())
    package = Path(lpips.__file__).parent
    heads = torch.load(package / "weights" / "v0.1" / "alex.pth", "cpu", weights_only=True)

    def features(image: Samples) -> list[Tensor]:
        x = torch.from_numpy(image.astype(np.float64) / 127.5 - 1).permute(2, 0, 1)[None]
        shift = torch.tensor([-0.030, -0.088, -0.188])[:, None, None]
        x = (x - shift) / torch.tensor([0.458, 0.448, 0.450])[:, None, None]
        found = []
        for layer, stride, padding in ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)):
            if layer in (3, 6):
                x = F.max_pool2d(x, 3, 2)
            kernel, bias = (weights[f"features.{layer}.{p}"].double() for p in ("weight", "bias"))
            x = F.conv2d(x, kernel, bias, stride=stride, padding=padding).relu()
            found.append(x / x.norm(dim=1, keepdim=True).clamp_min(1e-10))
        return found

    return sum(
        F.conv2d((x - y).square(), heads[f"lin{k}.model.1.weight"].double()).mean().item()
        for k, (x, y) in enumerate(zip(features(a), features(b), strict=True))
    )


def test_is_the_published_formula(
    distance: Perceptual, photograph: Samples, damaged: Samples
) -> None:
    assert distance(damaged, photograph) == pytest.approx(
        as_published(damaged, photograph), abs=1e-5
    )


def test_is_the_value_of_the_package(
    distance: Perceptual, photograph: Samples, damaged: Samples
) -> None:
    # lpips 0.1.4, torch 2.14.1, torchvision's AlexNet weights put into `net`:
    # net = lpips.LPIPS(net="alex", version="0.1")
    # net(lpips.im2tensor(photograph), lpips.im2tensor(damaged)).item()
    assert distance(damaged, photograph) == pytest.approx(0.08473, abs=1e-3)
    worse = photograph[::4, ::4].repeat(4, 0).repeat(4, 1)
    assert distance(worse, photograph) == pytest.approx(0.33102, abs=1e-3)


def test_identical_images_are_at_no_distance(distance: Perceptual, photograph: Samples) -> None:
    assert distance(photograph, photograph.copy()) == 0


def test_16_bits_are_as_far_apart_as_8(
    distance: Perceptual, photograph: Samples, damaged: Samples
) -> None:
    deep, deep_damaged = (image.astype(np.uint16) * 257 for image in (photograph, damaged))
    expected = distance(damaged, photograph)
    assert distance(deep_damaged, deep) == pytest.approx(expected, abs=1e-6)


def test_is_not_a_number_below_31_pixels(
    distance: Perceptual, photograph: Samples, damaged: Samples
) -> None:
    assert distance(damaged[:31, :31], photograph[:31, :31]) > 0
    assert math.isnan(distance(damaged[:30, :31], photograph[:30, :31]))


def test_is_made_without_a_word_and_without_a_random_number(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Perceptual()
    assert torch.equal(torch.get_rng_state(), before)
    assert capfd.readouterr() == ("", "")


def test_ships_the_file_it_says() -> None:
    data = shipped_weights().read_bytes()
    assert hashlib.sha256(data).hexdigest() == perceptual.SHIPPED_SHA256
    assert sum(t.numel() for t in load_file(shipped_weights()).values()) == 2_469_696


def test_one_flipped_bit_of_the_shipped_file_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(shipped_weights().read_bytes())
    data[5_000_000] ^= 1
    (tmp_path / perceptual.SHIPPED).write_bytes(data)
    monkeypatch.setattr(perceptual, "checkpoints_folder", lambda: tmp_path)
    with pytest.raises(CheckpointError, match="damaged"):
        Perceptual()


def test_takes_a_whole_alexnet_from_elsewhere(
    tmp_path: Path, distance: Perceptual, photograph: Samples, damaged: Samples
) -> None:
    weights = load_file(shipped_weights()) | {"classifier.6.bias": torch.zeros(1000)}
    # Other weights must give another distance: the file given is the one that is used.
    weights["features.0.weight"] = weights["features.0.weight"] / 2
    save_file(weights, tmp_path / "alexnet.safetensors")
    own = Perceptual(tmp_path / "alexnet.safetensors")
    assert abs(own(damaged, photograph) - distance(damaged, photograph)) > 1e-3


def test_refuses_other_files_in_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing.safetensors"
    text = tmp_path / "text.safetensors"
    text.write_text("not weights")
    pickled = tmp_path / "alexnet.pth"
    torch.save({"features.0.weight": torch.zeros(1)}, pickled)
    other = tmp_path / "other.safetensors"
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, other)
    for path, reason in (
        (missing, "no such file"),
        (tmp_path, "is a directory"),
        (text, "not a safetensors file"),
        (pickled, "not a safetensors file"),
        (other, "no features.0.weight of shape"),
    ):
        with pytest.raises(CheckpointError, match=reason) as caught:
            Perceptual(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


@pytest.mark.skipif("SRKIT_DATA" not in os.environ, reason="the calibration pairs are not shipped")
@pytest.mark.parametrize(("pair", "value"), [("I03", 0.7237), ("I04", 0.2572), ("I06", 0.05079)])
def test_reads_what_the_public_calibration_table_reads(pair: str, value: float) -> None:
    """Three distorted pictures and the distances a public table gives for AlexNet, version 0.1."""
    folder = Path(os.environ["SRKIT_DATA"]) / "calibration"
    distorted, reference = (
        read_image(folder / f"{pair}_{kind}.png").colour for kind in ("distorted", "reference")
    )
    assert Perceptual()(distorted, reference) == pytest.approx(value, abs=6e-5)
