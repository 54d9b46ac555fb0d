"""One level of the two-dimensional Haar wavelet transform, and its exact inverse.

Convention
    Bands are named by the edges they respond to, as PyWavelets names them:
    horizontal, vertical, diagonal (its cH, cV, cD). Packages disagree on
    whether "LH" means the first or the second, so srkit does not use the letters.
    The signs are PyWavelets' too: with a block [[p, q], [r, s]], horizontal is
    (p + q - r - s) / 2, vertical (p - q + r - s) / 2, diagonal (p - q - r + s) / 2.
    The approximation is (p + q + r + s) / 2: for a flat image, twice its brightness.
    Odd sides are extended by repeating the last row or column; `inverse_haar` takes the
    original size back off.
    The transform is orthonormal: for even sides energy is preserved.

This is the path models use, so it is made of slices, sums and reshapes only, which ONNX and
torch.compile understand; nothing is written in place. Any other wavelet: `wavelet.py`.

Source: Haar (1910); the two-channel filter bank is Mallat, "A Wavelet Tour of Signal
Processing", 3rd ed., section 7.7.
"""

# Shapes: B batch, C channels, H W height and width, h w half of them rounded up.

from typing import NamedTuple

import torch
from torch import Tensor

from srkit.transforms.padding import pad_to_multiple


class Bands(NamedTuple):
    """The four half-size bands of one level, each (B, C, h, w)."""

    approximation: Tensor
    horizontal: Tensor
    vertical: Tensor
    diagonal: Tensor


def haar(x_BCHW: Tensor) -> Bands:
    """Split an image into four half-size bands.

    Shape: (B, C, H, W), any H and W >= 1, any value range -> four of (B, C, h, w).
    For an image in [0, 1] the approximation is in [0, 2] and the details are in [-1, 1].

    >>> haar(torch.ones(1, 1, 2, 2)).approximation.item()
    2.0
    """
    x = pad_to_multiple(x_BCHW, 2)
    left, right = x[..., 0::2], x[..., 1::2]
    low, high = (left + right) / 2, (left - right) / 2
    return Bands(
        approximation=low[..., 0::2, :] + low[..., 1::2, :],
        horizontal=low[..., 0::2, :] - low[..., 1::2, :],
        vertical=high[..., 0::2, :] + high[..., 1::2, :],
        diagonal=high[..., 0::2, :] - high[..., 1::2, :],
    )


def inverse_haar(bands: Bands, size: tuple[int, int]) -> Tensor:
    """Rebuild the (height, width) image that `haar` split.

    Shape: four of (B, C, h, w) -> (B, C, height, width), where h and w are half of
    `size` rounded up.
    """
    approximation, horizontal, vertical, diagonal = bands
    low = _interleave_rows((approximation + horizontal) / 2, (approximation - horizontal) / 2)
    high = _interleave_rows((vertical + diagonal) / 2, (vertical - diagonal) / 2)
    # Interleaving by stack and reshape measured as fast as writing into slices, a half
    # faster with the backward pass, and twice as fast as pixel_shuffle.
    whole = torch.stack((low + high, low - high), dim=-1).flatten(-2, -1)
    return whole[..., : size[0], : size[1]]


def _interleave_rows(even: Tensor, odd: Tensor) -> Tensor:
    return torch.stack((even, odd), dim=-2).flatten(-3, -2)
