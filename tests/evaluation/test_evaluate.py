"""A model's numbers are means over images of what it makes of their LR images."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from srkit.data.pairs import Pair, prepare
from srkit.errors import ConfigError
from srkit.evaluation.benchmarks import find_dataset
from srkit.evaluation.evaluate import evaluate, score
from srkit.evaluation.perceptual import Perceptual
from srkit.images.image import Samples
from srkit.models import build_model


def nearest(lr: Tensor) -> Tensor:
    return F.interpolate(lr, scale_factor=2, mode="nearest")


def test_every_image_counts_the_same(hr_folder: Path) -> None:
    pairs = prepare(hr_folder, 2)
    expected = [
        peak_signal_noise_ratio(
            pair.hr[2:-2, 2:-2], pair.lr.repeat(2, 0).repeat(2, 1)[2:-2, 2:-2], data_range=255
        )
        for pair in pairs
    ]
    result = score(nearest, pairs, "sr-rgb", name="nearest", dataset="photographs")
    assert [row.psnr for row in result.rows] == pytest.approx(expected, abs=1e-9)
    # A mean of the squared errors of all images would be another number.
    assert result.psnr == pytest.approx(np.mean(expected), abs=1e-9)
    assert result.ssim == pytest.approx(np.mean([row.ssim for row in result.rows]))
    assert (result.model, result.dataset) == ("nearest", "photographs")
    assert (result.scale, result.protocol, result.lpips) == (2, "sr-rgb", None)
    assert [row.megapixels for row in result.rows] == [
        pair.hr.shape[0] * pair.hr.shape[1] / 1e6 for pair in pairs
    ]


def test_a_folder_gives_what_its_prepared_pairs_give(hr_folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    result = evaluate(
        nearest, hr_folder, scale=2, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert result.dataset == "photographs"
    prepared = score(nearest, prepare(hr_folder, 2))
    assert [(r.name, r.psnr, r.ssim) for r in result.rows] == [
        (r.name, r.psnr, r.ssim) for r in prepared.rows
    ]


def test_predictions_are_clamped_and_rounded(photograph: Samples) -> None:
    hr = photograph[:32, :32].copy()
    hr[8:16] = 255
    pair = Pair(name="a", scale=2, lr=hr[::2, ::2], hr=hr)
    exact = torch.from_numpy(hr / np.float32(255)).permute(2, 0, 1)[None]
    overshooting = torch.where(exact == 1, torch.tensor(1.5), exact + 0.4 / 255)
    assert score(lambda lr: overshooting, [pair], "sr-rgb").psnr == math.inf
    assert score(lambda lr: exact - 0.6 / 255, [pair], "sr-rgb").psnr < 60


def test_16_bits_are_rounded_to_16_bits(photograph: Samples) -> None:
    hr = photograph[:32, :32].astype(np.uint16) * 256 + 77
    pair = Pair(name="a", scale=2, lr=hr[::2, ::2], hr=hr)
    exact = torch.from_numpy(hr / np.float32(65535)).permute(2, 0, 1)[None]
    assert score(lambda lr: exact, [pair], "sr-rgb").psnr == math.inf
    off_by_one = score(lambda lr: exact + 1 / 65535, [pair], "sr-rgb").psnr
    assert off_by_one == pytest.approx(20 * math.log10(65535), abs=1e-6)


def test_a_network_is_run_as_for_inference_and_left_as_it_was(hr_folder: Path) -> None:
    torch.manual_seed(0)
    model = build_model("sr_network", {"scale": 2, "features": 8, "blocks": 1}).train()
    (first, *_) = pairs = prepare(hr_folder, 2)
    result = score(model, pairs, "sr-rgb")
    assert model.training
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    with torch.no_grad():
        lr = torch.from_numpy(first.lr / np.float32(255)).permute(2, 0, 1)[None]
        enlarged = model.eval()(lr)[0].permute(1, 2, 0).clamp(0, 1).numpy()
    prediction = np.rint(255 * enlarged.astype(np.float64))
    expected = peak_signal_noise_ratio(
        first.hr[2:-2, 2:-2].astype(np.float64), prediction[2:-2, 2:-2], data_range=255
    )
    assert result.rows[0].psnr == pytest.approx(expected, abs=1e-2)
    assert result.model == "SRNetwork"


def test_baselines_rank_as_they_should(hr_folder: Path) -> None:
    pairs = prepare(hr_folder, 2)
    plain, bicubic, lanczos = (
        score(model, pairs).psnr for model in (nearest, "bicubic", "lanczos")
    )
    assert plain < bicubic < lanczos


def test_lpips_is_measured_on_the_cropped_images(photograph: Samples) -> None:
    hr = photograph[:64, :64]
    pair = Pair(name="a", scale=4, lr=hr[::4, ::4], hr=hr)
    framed = hr.copy()
    framed[:4] = framed[-4:] = 0
    framed[:, :4] = framed[:, -4:] = 0
    unit = torch.from_numpy(framed / np.float32(255)).permute(2, 0, 1)[None]
    assert score(lambda lr: unit, [pair], perceptual=Perceptual()).lpips == 0


def test_refuses_what_makes_no_sense(hr_folder: Path) -> None:
    pairs = prepare(hr_folder, 4)
    with pytest.raises(
        ConfigError, match=r"makes 36x30 pixels of a\.png, not the 72x60 of scale 4"
    ):
        score(nearest, pairs)
    with pytest.raises(ConfigError, match="unknown baseline 'cubic': choose one of bicubic, lan"):
        score("cubic", pairs)
    with pytest.raises(ConfigError, match="unknown protocol"):
        score(nearest, pairs, "y")
    with pytest.raises(ConfigError, match="no images to score"):
        score(nearest, [])


@pytest.mark.skipif("SRKIT_DATA" not in os.environ, reason="Set5 and Set14 are not shipped")
@pytest.mark.parametrize(
    ("name", "values"),
    [("Set5", (33.67, 30.40, 28.43)), ("Set14", (30.32, 27.63, 26.09))],
)
def test_bicubic_reproduces_the_published_numbers(name: str, values: tuple[float, ...]) -> None:
    folder = find_dataset(name, Path(os.environ["SRKIT_DATA"])).folder
    for scale, value in zip((2, 3, 4), values, strict=True):
        assert evaluate("bicubic", folder, scale=scale).psnr == pytest.approx(value, abs=0.01)
