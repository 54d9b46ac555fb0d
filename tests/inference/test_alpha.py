"""Colours under transparent pixels, and bicubic enlarging in tiles."""

import numpy as np
import pytest
import torch

from srkit.images.image import Samples
from srkit.inference.alpha import bleed
from srkit.inference.bicubic import BicubicEnlarger
from srkit.inference.upscaler import upscale_tensor
from srkit.transforms.resize import imresize


def noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> Samples:
    most = np.iinfo(dtype).max
    numbers = np.random.default_rng(seed).integers(0, most, shape, dtype, endpoint=True)
    samples: Samples = numbers.astype(dtype)
    return samples


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [1, 3])
def test_transparent_pixels_get_a_colour_from_near_by(dtype: type, bands: int) -> None:
    colour = noise(30, 40, bands, dtype=dtype)
    alpha: Samples = np.where(noise(30, 40, seed=1) < 20, 7, 0).astype(dtype)
    bled = bleed(colour, alpha)
    assert bled.dtype == dtype
    assert np.array_equal(bled[alpha > 0], colour[alpha > 0])
    rows, columns = np.nonzero(alpha)
    for row, column in zip(*np.nonzero(alpha == 0), strict=True):
        distances = np.hypot(rows - row, columns - column)
        near = distances <= distances.min() + 2
        candidates = colour[rows[near], columns[near]]
        assert (candidates == bled[row, column]).all(axis=1).any()


def test_the_nearest_colour_along_a_straight_edge() -> None:
    colour, alpha = noise(12, 20, 3), np.zeros((12, 20), np.uint8)
    alpha[:, :7] = 255
    assert np.array_equal(bleed(colour, alpha)[:, 7:], np.repeat(colour[:, 6:7], 13, axis=1))


def test_the_input_is_left_alone() -> None:
    colour, alpha = noise(9, 9, 3), noise(9, 9) & np.uint8(1)
    before = colour.copy()
    colour.flags.writeable = False
    bleed(colour, alpha)
    assert np.array_equal(colour, before)


@pytest.mark.parametrize("value", [0, 1, 255])
def test_nothing_to_bleed_from_or_to(value: int) -> None:
    colour = noise(5, 5, 3)
    assert np.array_equal(bleed(colour, np.full((5, 5), value, np.uint8)), colour)


@pytest.mark.parametrize("scale", [2, 3, 5])
@pytest.mark.parametrize("size", [(1, 1), (2, 30), (23, 31)])
def test_bicubic_in_tiles_is_bicubic(scale: int, size: tuple[int, int]) -> None:
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    whole = imresize(image, scale=scale).clamp(0, 1)
    enlarger = BicubicEnlarger(scale, image_channels=3)
    assert (upscale_tensor(enlarger, image, tile=5) - whole).abs().max() <= 1e-5
