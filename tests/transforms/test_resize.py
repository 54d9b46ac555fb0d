"""MATLAB's `imresize`, held against a slow reading of its rules and two other programs."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from skimage import data
from torch import Tensor

from srkit.errors import ConfigError
from srkit.transforms.resize import imresize, imresize_uint8, output_size

Pixels = NDArray[np.uint8]


def photograph(height: int, width: int) -> Pixels:
    crop: Pixels = data.astronaut()[30 : 30 + height, 180 : 180 + width]
    return crop


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


# The slow reading: one output pixel at a time, counting from 0, in plain Python.


def keys(x: float) -> float:
    x = abs(x)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def pixel_at(line: NDArray[np.float64], place: int, border: str) -> NDArray[np.float64]:
    last = len(line) - 1
    while border == "mirror" and not 0 <= place <= last:
        place = -1 - place if place < 0 else 2 * last + 1 - place
    return np.asarray(line[min(max(place, 0), last)])


def slow_lines(
    lines: NDArray[np.float64], count: int, scale: float, border: str, antialias: bool
) -> NDArray[np.float64]:
    shrink = min(scale, 1.0) if antialias else 1.0
    results = []
    for k in range(count):
        center = (k + 0.5) / scale - 0.5
        places = range(math.ceil(center - 2 / shrink), math.floor(center + 2 / shrink) + 1)
        weights = [keys((center - place) * shrink) for place in places]
        pixels = [pixel_at(lines, place, border) for place in places]
        results.append(sum(w * p for w, p in zip(weights, pixels, strict=True)) / sum(weights))
    return np.stack(results)


def slow(
    image: NDArray[np.float64],
    size: tuple[int, int],
    scales: tuple[float, float],
    *,
    border: str = "mirror",
    antialias: bool = True,
    levels: int | None = None,
    order: tuple[int, int] = (0, 1),
) -> NDArray[np.float64]:
    for axis in order:
        lines = np.moveaxis(image, axis, 0)
        lines = slow_lines(lines, size[axis], scales[axis], border, antialias)
        if levels is not None:
            lines = np.floor(lines.clip(0, levels) + 0.5)
        image = np.moveaxis(lines, 0, axis)
    return image


def slow_uint8(image: Pixels, scale: float, **options: str) -> Pixels:
    height, width = image.shape[:2]
    size = (math.ceil(height * scale), math.ceil(width * scale))
    border = options.get("border", "mirror")
    result = slow(image.astype(np.float64), size, (scale, scale), border=border, levels=255)
    return result.astype(np.uint8)


# At these scales a sum half-way between two levels is exact in float64, or does not happen. At
# others, such as 1.5, the last bit of a weight decides, and the slow reading has other last bits.
@pytest.mark.parametrize("border", ["mirror", "repeat"])
@pytest.mark.parametrize("scale", [1 / 2, 1 / 3, 1 / 4, 0.3, 0.7, 1.0, 2.0, 3.0, 4.0])
def test_bytes_are_those_of_the_slow_reading(scale: float, border: str) -> None:
    image = photograph(23, 26)
    ours = imresize_uint8(image, scale, border=border)  # type: ignore[arg-type]
    np.testing.assert_array_equal(ours, slow_uint8(image, scale, border=border))


@pytest.mark.parametrize("border", ["mirror", "repeat"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3)])
@pytest.mark.parametrize("scale", [1 / 8, 1 / 3, 3.0])
def test_images_smaller_than_the_kernel_hold(
    size: tuple[int, int], scale: float, border: str
) -> None:
    image = photograph(*size)
    ours = imresize_uint8(image, scale, border=border)  # type: ignore[arg-type]
    np.testing.assert_array_equal(ours, slow_uint8(image, scale, border=border))


def test_a_small_image_by_octave() -> None:
    # Octave, whose `imresize` follows MATLAB's:
    #   imresize(transpose(reshape(0:15, 4, 4)), 0.5, 'bicubic', 'AntiAliasing', false)
    by_octave = torch.tensor([[2.1875, 4.3125], [10.6875, 12.8125]])
    image = torch.arange(16.0).view(1, 1, 4, 4)
    assert torch.equal(imresize(image, scale=0.5, antialias=False)[0, 0], by_octave)


@pytest.mark.parametrize(("scale", "margin"), [(1 / 2, 16), (1 / 4, 16), (1 / 3, 18), (2.0, 16)])
def test_agrees_with_torch_on_a_mirrored_photograph(scale: float, margin: int) -> None:
    # Large enough to be computed in several blocks.
    pixels = photograph(288, 240).astype(np.float64)
    wide = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), "symmetric")
    by_torch = F.interpolate(
        torch.from_numpy(wide).permute(2, 0, 1)[None],
        scale_factor=scale,
        mode="bicubic",
        antialias=True,
    )
    edge = round(margin * scale)
    ours = imresize(torch.from_numpy(pixels).permute(2, 0, 1)[None], scale=scale)
    # torch cuts the kernel a little differently: a thousandth of a level is none of 255.
    torch.testing.assert_close(ours, by_torch[..., edge:-edge, edge:-edge], atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("length", "scale", "expected"), [(7, 0.5, 4), (8, 0.5, 4), (1, 0.1, 1), (10, 1.25, 13)]
)
def test_lengths_are_rounded_up(length: int, scale: float, expected: int) -> None:
    assert output_size(length, 8, scale)[0] == expected
    assert imresize(noise(1, 1, length, 8), scale=scale).shape[-2] == expected


@pytest.mark.parametrize("size", [(5, 40), (40, 5), (9, 9), (1, 1)])
def test_a_size_gives_each_axis_its_scale(size: tuple[int, int]) -> None:
    image = photograph(13, 17).astype(np.float64)
    scales = (size[0] / 13, size[1] / 17)
    expected = slow(image, size, scales)
    ours = imresize(torch.from_numpy(image).permute(2, 0, 1)[None], size=size)
    np.testing.assert_allclose(ours[0].permute(1, 2, 0), expected, atol=1e-10)


def test_rows_go_first_and_are_rounded_before_the_columns() -> None:
    image = photograph(40, 40)
    pixels, size, scales = image.astype(np.float64), (20, 20), (0.5, 0.5)
    ours = imresize_uint8(image, 0.5)
    columns_first = slow(pixels, size, scales, levels=255, order=(1, 0))
    rounded_once = np.floor(slow(pixels, size, scales).clip(0, 255) + 0.5)
    np.testing.assert_array_equal(ours, slow(pixels, size, scales, levels=255))
    assert (ours != columns_first).any()
    assert (ours != rounded_once).any()


@pytest.mark.parametrize(("size", "order"), [((30, 10), (1, 0)), ((10, 30), (0, 1))])
def test_the_axis_that_shrinks_most_goes_first(
    size: tuple[int, int], order: tuple[int, int]
) -> None:
    image = photograph(40, 40)
    scales = (size[0] / 40, size[1] / 40)
    expected = slow(image.astype(np.float64), size, scales, levels=255, order=order)
    np.testing.assert_array_equal(imresize_uint8(image, size=size), expected)


@pytest.mark.parametrize(("dark", "expected"), [(0, 1), (2, 3), (101, 102)])
def test_halves_are_rounded_away_from_zero(dark: int, expected: int) -> None:
    # Columns alternate, so each pixel of the half-size image falls on dark + 0.5.
    image = np.tile(np.array([dark, dark + 1, dark + 1, dark], np.uint8), (8, 8))
    shrunk = imresize_uint8(image, 0.5)
    unrounded = imresize(torch.from_numpy(image[None, None].astype(np.float64)), scale=0.5)
    assert (unrounded == dark + 0.5).any()
    assert (shrunk[unrounded[0, 0].numpy() == dark + 0.5] == expected).all()


def test_levels_of_a_tensor_are_those_of_its_bytes() -> None:
    image = photograph(24, 31)
    tensor = torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]
    shrunk = imresize(tensor, scale=1 / 3, levels=255)
    by_bytes = torch.from_numpy(imresize_uint8(image, 1 / 3).astype(np.float32) / 255)
    torch.testing.assert_close(shrunk[0].permute(1, 2, 0), by_bytes, atol=1e-7, rtol=0)


def test_sixteen_bits_have_their_own_levels() -> None:
    image = (photograph(12, 12)[..., :1].astype(np.float64) * 257 + 13).clip(0, 65535)
    tensor = torch.from_numpy(image / 65535).permute(2, 0, 1)[None]
    ours = imresize(tensor, scale=0.5, levels=65535)[0].permute(1, 2, 0) * 65535
    expected = slow(image, (6, 6), (0.5, 0.5), levels=65535)
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_overshoot_is_clamped_with_levels_and_kept_without() -> None:
    step = torch.zeros(1, 1, 8, 8)
    step[..., 4:] = 1
    free, clamped = imresize(step, scale=2), imresize(step, scale=2, levels=255)
    assert free.min() < 0
    assert free.max() > 1
    assert (clamped.min().item(), clamped.max().item()) == (0, 1)


def test_a_flat_image_stays_flat() -> None:
    for scale in (0.37, 2.6):
        resized = imresize(torch.full((1, 2, 9, 4), 0.3, dtype=torch.float64), scale=scale)
        torch.testing.assert_close(resized, torch.full_like(resized, 0.3), atol=1e-15, rtol=0)


def test_gray_arrays_keep_two_axes() -> None:
    gray = photograph(20, 20)[..., 0]
    by_colour = imresize_uint8(photograph(20, 20), 0.5)[..., 0]
    np.testing.assert_array_equal(imresize_uint8(gray, 0.5), by_colour)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_dtype_is_kept_and_the_input_untouched(dtype: torch.dtype) -> None:
    image = noise(1, 1, 6, 6, dtype=torch.float64).to(dtype)
    before = image.clone()
    assert imresize(image, scale=1.0, levels=255).dtype == dtype
    resized = imresize(image, scale=0.5)
    assert resized.dtype == dtype
    assert torch.equal(image, before)
    exact = imresize(before.double(), scale=0.5)
    torch.testing.assert_close(resized.double(), exact, atol=torch.finfo(dtype).eps, rtol=0)


@pytest.mark.parametrize("options", [{"scale": 0.5}, {"scale": 2.0}, {"size": (3, 7)}])
@pytest.mark.parametrize("size", [(1, 1), (5, 4)])
def test_gradients_are_right(size: tuple[int, int], options: dict[str, float]) -> None:
    x = noise(1, 1, *size).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: imresize(x, **options), (x,))  # type: ignore[arg-type]


def test_training_is_possible_after_inference_at_the_same_size() -> None:
    image = noise(1, 1, 11, 7)
    with torch.inference_mode():
        imresize(image, scale=0.5)
    image.requires_grad_()
    imresize(image, scale=0.5).sum().backward()
    assert image.grad is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "imresize takes either a scale or a size"),
        ({"scale": 2, "size": (1, 1)}, "imresize takes either a scale or a size"),
        ({"scale": 0}, "scale must be a positive number, got 0"),
        ({"scale": math.nan}, "scale must be a positive number, got nan"),
        ({"size": (0, 4)}, "size must be at least 1x1, got 0x4"),
        ({"scale": 2, "border": "wrap"}, "unknown border 'wrap': choose one of mirror, repeat"),
        ({"scale": 2, "levels": 0}, "levels must be at least 1, got 0"),
    ],
)
def test_refuses_what_cannot_work(options: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        imresize(noise(1, 1, 4, 4), **options)  # type: ignore[arg-type]


def test_refuses_arrays_of_other_types() -> None:
    with pytest.raises(ConfigError, match="takes a uint8 array, got uint16"):
        imresize_uint8(np.zeros((2, 2), np.uint16), 2)
