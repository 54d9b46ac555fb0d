"""PSNR and SSIM are scikit-image's with the papers' settings, under frozen protocols."""

import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from srkit.errors import ConfigError, ImageError
from srkit.evaluation.metrics import PROTOCOLS, Protocol, crop, measure, psnr, ssim
from srkit.images.image import Samples

PAPERS = {
    "data_range": 255,
    "gaussian_weights": True,
    "sigma": 1.5,
    "use_sample_covariance": False,
}

# scikit-image 0.26.0 alone:
# hr = data.astronaut()[64:192, 192:320]; bad = hr[::2, ::2].repeat(2, 0).repeat(2, 1)
# a, b = hr[4:-4, 4:-4], bad[4:-4, 4:-4]          ([10:-10, 10:-10] for div2k-rgb)
# a, b = rgb2ycbcr(a)[..., 0], rgb2ycbcr(b)[..., 0]                 (for sr-y alone)
# peak_signal_noise_ratio(a, b, data_range=255)
# structural_similarity(a, b, **PAPERS, channel_axis=2)     (no channel_axis for sr-y)
LITERALS = {
    "sr-y": (26.815148569559852, 0.8535394576479969),
    "sr-rgb": (25.2170416081001, 0.8287517688028657),
    "div2k-rgb": (25.329886045070026, 0.8257489831964174),
    "sr-bands": (25.2170416081001, 0.8287517688028657),  # of RGB, that of sr-rgb
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_agrees_with_values_of_scikit_image(
    protocol: str, photograph: Samples, damaged: Samples
) -> None:
    scores = measure(damaged, photograph, scale=4, protocol=protocol)
    assert (scores.psnr, scores.ssim) == pytest.approx(LITERALS[protocol], abs=1e-6)


@pytest.mark.parametrize("size", [(11, 11), (12, 31), (64, 47), (101, 128)])
def test_agrees_with_scikit_image_on_noise(size: tuple[int, int], photograph: Samples) -> None:
    rng = np.random.default_rng(7)
    reference = photograph[: size[0], : size[1]].astype(np.float64)
    prediction = np.clip(reference + rng.normal(0, 20, reference.shape), 0, 255)
    x, y = (torch.from_numpy(image).permute(2, 0, 1) for image in (prediction, reference))
    expected = peak_signal_noise_ratio(reference, prediction, data_range=255)
    assert psnr(x, y, data_range=255) == pytest.approx(expected, abs=1e-9)
    expected = structural_similarity(reference, prediction, channel_axis=2, **PAPERS)
    assert ssim(x, y, data_range=255) == pytest.approx(expected, abs=1e-9)


def test_luma_is_that_of_scikit_image_on_any_colour() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
    expected = peak_signal_noise_ratio(
        *(rgb2ycbcr(image[2:-2, 2:-2])[..., 0] for image in (a, b)), data_range=255
    )
    assert measure(a, b, scale=2, protocol="sr-y").psnr == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("bands", [1, 2, 5])
def test_bands_agree_with_scikit_image(bands: int) -> None:
    rng = np.random.default_rng(5)
    a = rng.integers(0, 3000, (30, 26, bands)).astype(np.uint16)
    b = np.clip(a.astype(int) + rng.integers(-900, 900, a.shape), 0, 65535).astype(np.uint16)
    inside = [image[2:-2, 2:-2] / 257 for image in (a, b)]
    scores = measure(b, a, scale=2, protocol="sr-bands")
    expected = peak_signal_noise_ratio(*inside, data_range=255)
    assert scores.psnr == pytest.approx(expected, abs=1e-9)
    expected = structural_similarity(*inside, channel_axis=2, **PAPERS)
    assert scores.ssim == pytest.approx(expected, abs=1e-9)
    for protocol in ("sr-y", "sr-rgb", "div2k-rgb"):
        with pytest.raises(ConfigError, match=f"{protocol} compares RGB images, not"):
            measure(b, a, scale=2, protocol=protocol)


def test_the_protocols_are_frozen() -> None:
    assert list(PROTOCOLS.values()) == [
        Protocol(name="sr-y", luma=True, extra_crop=0),
        Protocol(name="sr-rgb", luma=False, extra_crop=0),
        Protocol(name="div2k-rgb", luma=False, extra_crop=6),
        Protocol(name="sr-bands", luma=False, any_bands=True, extra_crop=0),
    ]
    assert all(protocol.name == name for name, protocol in PROTOCOLS.items())
    with pytest.raises(FrozenInstanceError):
        PROTOCOLS["sr-y"].luma = False  # type: ignore[misc]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_identical_images_are_infinitely_alike(protocol: str, photograph: Samples) -> None:
    scores = measure(photograph, photograph.copy(), scale=2, protocol=protocol)
    assert scores.psnr == math.inf
    assert scores.ssim == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("protocol", "scale", "margin"), [("sr-y", 3, 3), ("sr-rgb", 4, 4), ("div2k-rgb", 2, 8)]
)
def test_only_what_lies_inside_the_crop_counts(
    protocol: str, scale: int, margin: int, photograph: Samples
) -> None:
    for place in (np.s_[margin - 1, 64], np.s_[64, -margin]):
        changed = photograph.copy()
        changed[place] ^= 128
        assert measure(changed, photograph, scale=scale, protocol=protocol).psnr == math.inf
    for place in (np.s_[margin, 64], np.s_[64, -margin - 1]):
        changed = photograph.copy()
        changed[place] ^= 128
        assert measure(changed, photograph, scale=scale, protocol=protocol).psnr < 100


def test_one_level_of_green_costs_its_share_of_luma() -> None:
    reference = np.full((20, 20, 3), 100, np.uint8)
    greener = reference + np.array([0, 1, 0], np.uint8)
    expected = 20 * math.log10(255 / (128.553 / 255))
    scores = measure(greener, reference, scale=2, protocol="sr-y")
    assert scores.psnr == pytest.approx(expected, abs=1e-9)


def test_the_range_of_16_bits_comes_from_the_type(photograph: Samples, damaged: Samples) -> None:
    deep, deep_damaged = (image.astype(np.uint16) * 257 for image in (photograph, damaged))
    scores = measure(deep_damaged, deep, scale=4, protocol="sr-rgb")
    assert (scores.psnr, scores.ssim) == pytest.approx(LITERALS["sr-rgb"], abs=1e-6)
    # Nothing above 255: nearly black, so every error is 257 times smaller than in 8 bits.
    dark, dark_damaged = (image.astype(np.uint16) for image in (photograph, damaged))
    expected = LITERALS["sr-rgb"][0] + 20 * math.log10(257)
    scores = measure(dark_damaged, dark, scale=4, protocol="sr-rgb")
    assert scores.psnr == pytest.approx(expected, abs=1e-6)


def test_ssim_of_less_than_a_window_is_not_a_number(photograph: Samples, damaged: Samples) -> None:
    smallest = measure(damaged[:15, :15], photograph[:15, :15], scale=2, protocol="sr-y")
    assert 0 < smallest.ssim < 1
    smaller = measure(damaged[:14, :15], photograph[:14, :15], scale=2, protocol="sr-y")
    assert math.isnan(smaller.ssim)
    assert 10 < smaller.psnr < 60


def test_refuses_what_cannot_be_compared(photograph: Samples) -> None:
    with pytest.raises(ConfigError, match=r"'psnr': choose one of sr-y, sr-rgb, div2k-rgb"):
        measure(photograph, photograph, scale=2, protocol="psnr")
    with pytest.raises(ImageError, match="cannot compare 128x127 with 128x128"):
        measure(photograph[:127], photograph, scale=2, protocol="sr-y")
    with pytest.raises(ImageError, match="128x8 pixels leave nothing after cropping 4"):
        crop(photograph[:8], scale=4, protocol="sr-y")
    assert crop(photograph[:9], scale=4, protocol="sr-y").shape == (1, 120, 3)
