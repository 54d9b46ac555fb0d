"""Bicubic resizing as MATLAB's `imresize` does it: the degradation of every published SR table.

Convention
    Lengths: a scale gives ceil(scale * size) rows and columns, computed in float64 as MATLAB
    does; a size gives each axis its own scale, out / in.
    Kernel: Keys' cubic with a = -0.5, reaching 2 input pixels, and 2 / scale when shrinking
    with antialias. The weights of an output pixel are divided by their sum.
    Position: output pixel k (from 0) looks at (k + 0.5) / scale - 0.5 in the input.
    Border: "mirror" repeats the edge pixel and runs back (newer MATLAB); "repeat" holds the
    edge pixel (older MATLAB). Both hold for images far smaller than the kernel.
    Order: the axis that shrinks most goes first; the rows (vertical) when they are equal.
    Levels: with levels=255 the image is taken as uint8, and rounded to a level, halves away
    from zero, and clamped, after *each* of the two passes. So does MATLAB on uint8 input, and
    so were the LR images of the benchmarks made; without levels nothing is rounded or clamped.

With levels, sums run tap by tap in float64, multiplying and adding apart, so that those that
fall half-way between two levels round the same on every machine.

Source: the behaviour of MATLAB's documented `imresize`; Keys, "Cubic convolution interpolation
for digital image processing", IEEE Trans. ASSP 29(6), 1981.
"""

# Shapes: B batch, C channels, H W height and width, N pixels along one axis, T taps, O outputs.

import math
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srkit.errors import ConfigError

Border = Literal["mirror", "repeat"]

# Output values computed at a time: temporaries that stay in the cache are three times faster.
BLOCK_VALUES = 1 << 17


def imresize(
    image_BCHW: Tensor,
    *,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    border: Border = "mirror",
    antialias: bool = True,
    levels: int | None = None,
) -> Tensor:
    """Resize images by a scale, or to a (height, width), as MATLAB's `imresize` would.

    Shape: (B, C, H, W), any H and W >= 1, floating -> (B, C, height, width), the same dtype.
    Without `levels` any value range goes, results may overshoot it, and gradients flow; with
    `levels` (255 for 8 bits, 65535 for 16) the range is [0, 1], the result lies on k / levels
    and has no gradient.
    Raises: ConfigError unless exactly one of scale and size is given and is positive, or on an
    unknown border.
    """
    if levels is not None and levels < 1:
        raise ConfigError(f"levels must be at least 1, got {levels}")
    height, width = image_BCHW.shape[-2:]
    plan = _plan(height, width, scale, size)
    if levels is None:
        working_type = torch.promote_types(image_BCHW.dtype, torch.float32)
        resized = _resize(image_BCHW.to(working_type), *plan, border, antialias, None)
        return resized.to(image_BCHW.dtype)
    # Back to whole levels first: k / 255 in float32 is not quite k / 255.
    whole = (image_BCHW.detach().to(torch.float64) * levels).round_().clamp_(0, levels)
    resized = _resize(whole, *plan, border, antialias, levels)
    return resized.div_(levels).to(image_BCHW.dtype)


def imresize_uint8(
    image_HWC: NDArray[np.uint8],
    scale: float | None = None,
    *,
    size: tuple[int, int] | None = None,
    border: Border = "mirror",
    antialias: bool = True,
) -> NDArray[np.uint8]:
    """Resize an 8-bit image exactly as MATLAB's `imresize` resizes a uint8 array.

    Shape: (H, W, C) or (H, W) uint8 -> (height, width, C) or (height, width) uint8.
    Raises: ConfigError as `imresize`, and for an array that is not uint8.
    """
    if image_HWC.dtype != np.uint8:
        raise ConfigError(f"imresize_uint8 takes a uint8 array, got {image_HWC.dtype}")
    height, width = image_HWC.shape[:2]
    plan = _plan(height, width, scale, size)
    planes_CHW = image_HWC[None] if image_HWC.ndim == 2 else image_HWC.transpose(2, 0, 1)
    # A copy, because torch refuses to look at read-only memory such as Pillow's.
    whole = torch.from_numpy(planes_CHW.astype(np.float64))[None]
    resized: NDArray[np.uint8] = (
        _resize(whole, *plan, border, antialias, 255)[0].to(torch.uint8).numpy()
    )
    return resized[0] if image_HWC.ndim == 2 else np.ascontiguousarray(resized.transpose(1, 2, 0))


def output_size(height: int, width: int, scale: float) -> tuple[int, int]:
    """Say how large `imresize` makes an image of (height, width) at a scale."""
    return math.ceil(height * scale), math.ceil(width * scale)


def _plan(
    height: int, width: int, scale: float | None, size: tuple[int, int] | None
) -> tuple[tuple[int, int], tuple[float, float]]:
    """Give the output's size and the scale of either axis."""
    if scale is not None and size is None:
        if not (scale > 0 and math.isfinite(scale)):
            raise ConfigError(f"scale must be a positive number, got {scale}")
        return output_size(height, width, scale), (scale, scale)
    if size is not None and scale is None:
        if min(size) < 1:
            raise ConfigError(f"size must be at least 1x1, got {size[0]}x{size[1]}")
        return size, (size[0] / height, size[1] / width)
    raise ConfigError("imresize takes either a scale or a size")


def _resize(
    x_BCHW: Tensor,
    size: tuple[int, int],
    scales: tuple[float, float],
    border: Border,
    antialias: bool,
    levels: int | None,
) -> Tensor:
    """Resample both axes of a float32 or float64 image, rounding to whole levels if asked."""
    resized = x_BCHW
    for axis in (-2, -1) if scales[0] <= scales[1] else (-1, -2):
        taps = _taps(resized.shape[axis], size[axis], scales[axis], border, antialias)
        if axis == -2:
            resized = _resample_rows(resized, *taps)
        else:  # Gathering columns one by one is three times slower than transposing twice.
            turned = _resample_rows(resized.transpose(-2, -1).contiguous(), *taps)
            resized = turned.transpose(-2, -1)
        if levels is not None:
            # Above zero, adding a half and flooring is rounding halves away from zero.
            resized = resized.clamp_(0, levels).add_(0.5).floor_()
    return resized.contiguous()


def _resample_rows(
    x_BCNW: Tensor, weights_TO: NDArray[np.float64], indices_TO: NDArray[np.int64]
) -> Tensor:
    """Make every output row the weighted sum of its input rows."""
    weights = torch.from_numpy(weights_TO).to(x_BCNW)[..., None]
    indices = torch.from_numpy(indices_TO).to(x_BCNW.device)
    row_values = max(1, x_BCNW.shape[:-2].numel() * x_BCNW.shape[-1])
    rows = max(1, BLOCK_VALUES // row_values)
    blocks = [
        _weighted_sum(x_BCNW, weights[:, start : start + rows], indices[:, start : start + rows])
        for start in range(0, indices.shape[1], rows)
    ]
    return torch.cat(blocks, dim=-2)


def _weighted_sum(x_BCNW: Tensor, weights_TO1: Tensor, indices_TO: Tensor) -> Tensor:
    total = x_BCNW.index_select(-2, indices_TO[0]) * weights_TO1[0]
    for weights_O1, indices_O in zip(weights_TO1[1:], indices_TO[1:], strict=True):
        total += x_BCNW.index_select(-2, indices_O) * weights_O1
    return total


# Arrays, not tensors: a tensor cached in inference mode could not be trained through later.
@lru_cache(maxsize=256)
def _taps(
    length: int, out_length: int, scale: float, border: Border, antialias: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Say which input pixels every output pixel sums up, and how it weighs them.

    Returns float64 weights and int64 indices, both (T, O). The formulas keep MATLAB's order
    and its counting from 1, so that the weights agree with its to the last bit.
    """
    shrink = min(scale, 1.0) if antialias else 1.0
    support = 4 / shrink
    outputs_O1 = np.arange(1, out_length + 1, dtype=np.float64)[:, None]
    centers_O1 = outputs_O1 / scale + 0.5 * (1 - 1 / scale)
    pixels_OT = np.floor(centers_O1 - support / 2) + np.arange(math.ceil(support) + 2)
    weights_OT = shrink * _cubic(shrink * (centers_O1 - pixels_OT))
    weights_OT /= weights_OT.sum(axis=1, keepdims=True)
    used_T = np.any(weights_OT != 0, axis=0)
    indices_OT = pixels_OT.astype(np.int64) - 1
    if border == "mirror":
        indices_OT = indices_OT % (2 * length)
        indices_OT = np.minimum(indices_OT, 2 * length - 1 - indices_OT)
    elif border == "repeat":
        indices_OT = indices_OT.clip(0, length - 1)
    else:
        raise ConfigError(f"unknown border {border!r}: choose one of mirror, repeat")
    return (
        np.ascontiguousarray(weights_OT[:, used_T].T),
        np.ascontiguousarray(indices_OT[:, used_T].T),
    )


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evaluate Keys' cubic kernel with a = -0.5."""
    x = np.abs(distance)
    x2, x3 = x**2, x**3
    near: NDArray[np.float64] = (1.5 * x3 - 2.5 * x2 + 1) * (x <= 1)
    far: NDArray[np.float64] = (-0.5 * x3 + 2.5 * x2 - 4 * x + 2) * ((x > 1) & (x <= 2))
    return near + far
