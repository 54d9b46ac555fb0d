"""The Laplacian pyramid, exact for every size.

Convention
    `reduce` blurs with the 5x5 binomial [1, 4, 6, 4, 1] / 16 and averages pairs of pixels, which
    together is the binomial [1, 5, 10, 10, 5, 1] / 32 at every second place.
    `expand` doubles bilinearly and blurs with the same 5x5 binomial: [1, 7, 21, 35, 35, 21, 7, 1]
    / 64.
    Both keep an image where it is: a coarse pixel lies in the middle of its four fine ones, as in
    `resize.py`, and both keep a flat image's brightness.
    Sides are halved rounding up: odd ones are extended by repeating the last row or column, and
    the collapse takes the original size back off.
    Border: the edge pixel is held.
    The pyramid runs from the finest detail to the coarsest; its last entry is the approximation.

For even sides both halves equal kornia's `pyrdown` and `pyrup` (border "replicate"). Its pyramid
pads other sizes to a power of two and cannot be collapsed; this one always can, because each
detail is what `expand` misses.

Source: Burt and Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans.
Communications 31(4), 1983; kornia's reading of it, which centres the pixels.
"""

# Shapes: B batch, C channels, H W height and width, h w half of them rounded up.

import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.errors import ConfigError


def reduce(x_BCHW: Tensor) -> Tensor:
    """Blur an image and halve it.

    Shape: (B, C, H, W), any H and W >= 1, any value range -> (B, C, h, w) in the same range.
    Receptive field: 2 pixels around each 2x2 block.
    """
    height, width = x_BCHW.shape[-2:]
    x = F.pad(x_BCHW, (2, 2 + width % 2, 2, 2 + height % 2), mode="replicate")
    return _halve(_halve(x, -2), -1)


def expand(x_BChw: Tensor, size: tuple[int, int]) -> Tensor:
    """Double an image and blur it, to (height, width).

    Shape: (B, C, h, w), any h and w >= 1, any value range -> (B, C, height, width) in the same
    range, where h and w are half of `size` rounded up.
    Receptive field: 2 coarse pixels.
    """
    x = F.pad(x_BChw, (2, 2, 2, 2), mode="replicate")
    doubled = _double(_double(x, -2), -1)
    return doubled[..., : size[0], : size[1]]


def laplacian_pyramid(x_BCHW: Tensor, levels: int) -> list[Tensor]:
    """Split an image into `levels` details, from fine to coarse, and an approximation.

    Shape: (B, C, H, W), any H and W >= 1 -> levels + 1 tensors, (B, C, H, W) first, each next
    half as high and wide, rounded up.
    Raises: ConfigError when levels is below 1.
    """
    if levels < 1:
        raise ConfigError(f"levels must be at least 1, got {levels}")
    pyramid = []
    for _ in range(levels):
        height, width = x_BCHW.shape[-2:]
        coarse = reduce(x_BCHW)
        pyramid.append(x_BCHW - expand(coarse, (height, width)))
        x_BCHW = coarse
    return [*pyramid, x_BCHW]


def collapse(pyramid: list[Tensor]) -> Tensor:
    """Rebuild the image that `laplacian_pyramid` split.

    Shape: levels + 1 tensors, fine to coarse -> (B, C, H, W), the size of the first.
    """
    image = pyramid[-1]
    for detail in reversed(pyramid[:-1]):
        height, width = detail.shape[-2:]
        image = expand(image, (height, width)) + detail
    return image


def _halve(x: Tensor, axis: int) -> Tensor:
    """Filter a padded axis with [1, 5, 10, 10, 5, 1] / 32 and keep every second place."""
    a, b, c, d, e, f = _neighbours(x, axis, count=6, step=2)
    return (a + f) / 32 + (b + e) * (5 / 32) + (c + d) * (10 / 32)


def _double(x: Tensor, axis: int) -> Tensor:
    """Put two filtered values in the place of every one, dropping the padding."""
    a, b, c, d, e = _neighbours(x, axis, count=5, step=1)
    even = (a + 21 * b + 35 * c + 7 * d) / 64
    odd = (7 * b + 35 * c + 21 * d + e) / 64
    return torch.stack((even, odd), dim=axis).flatten(axis - 1, axis)


def _neighbours(x: Tensor, axis: int, *, count: int, step: int) -> list[Tensor]:
    """View an axis padded by 2 from `count` places, the first 2 to the left."""
    stop = x.shape[axis] - 4
    if axis == -1:
        return [x[..., start : start + stop : step] for start in range(count)]
    return [x[..., start : start + stop : step, :] for start in range(count)]
