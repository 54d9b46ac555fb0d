"""The dual-tree complex wavelet transform, and its inverse.

Two real wavelet trees, a quarter of a sample apart, give complex bands: their magnitude hardly
changes when the image moves by a pixel, and they tell six directions of edges apart where
`wavelet.py` tells three. The price is four numbers for every pixel.

Convention
    Bands are complex, six a level. Band i answers to edges at 15, 45, 75, 105, 135, 165 degrees
    from the horizontal, counted counter-clockwise, for i = 0 to 5.
    Levels run from the finest to the coarsest, as in `wavelet.py`.
    The bands of each level are half the size of those before, rounded up; the approximation is
    twice the size of the last.
    Border: half-sample symmetric. Odd sides are extended by repeating the last row or column;
    the inverse takes the original size back off.

Any size comes back to 1e-13 in float64 and 1e-6 in float32.

Source: Selesnick, Baraniuk and Kingsbury, "The dual-tree complex wavelet transform", IEEE Signal
Processing Magazine 22(6), 2005. Computed by pytorch-wavelets, given its filters in full: 1.3.0
rounds them to float32.
"""

# Shapes: B batch, C channels, H W height and width, h w of a level's bands.

import warnings
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from srkit.errors import ConfigError

with warnings.catch_warnings():
    # It imports pkg_resources, which warns about its own end (setuptools is pinned for it).
    warnings.simplefilter("ignore")
    from pytorch_wavelets import DTCWTForward, DTCWTInverse
    from pytorch_wavelets.dtcwt.coeffs import biort, qshift

FIRST_FILTERS = ("near_sym_a", "near_sym_b", "antonini", "legall")
LATER_FILTERS = ("qshift_a", "qshift_b", "qshift_c", "qshift_d", "qshift_06")


class DualTree(NamedTuple):
    """What `dual_tree` makes of an image; the bands run from fine to coarse."""

    approximation: Tensor
    bands: list[Tensor]


def dual_tree(
    x_BCHW: Tensor, *, levels: int = 1, first: str = "near_sym_a", later: str = "qshift_a"
) -> DualTree:
    """Split an image into an approximation and six complex bands a level.

    `first` names the filters of the first level, `later` those of all others.
    Shape: (B, C, H, W) float32 or float64, any H and W >= 1, any value range -> an
    approximation of twice the size of the coarsest bands, and complex bands (B, C, 6, h, w).
    Raises: ConfigError on unknown filters, or levels below 1.
    """
    if levels < 1:
        raise ConfigError(f"levels must be at least 1, got {levels}")
    _check(first, later)
    transform = DTCWTForward(J=levels, biort=first, qshift=later)
    low, _, high, _ = biort(first)
    low_a, low_b, _, _, high_a, high_b, _, _ = qshift(later)
    _give(transform, x_BCHW, h0o=low, h1o=high, h0a=low_a, h0b=low_b, h1a=high_a, h1b=high_b)
    approximation, bands = transform(x_BCHW)
    return DualTree(approximation, [torch.view_as_complex(band.contiguous()) for band in bands])


def inverse_dual_tree(
    tree: DualTree,
    size: tuple[int, int],
    *,
    first: str = "near_sym_a",
    later: str = "qshift_a",
) -> Tensor:
    """Rebuild the (height, width) image that `dual_tree` split with the same filters.

    Shape: what an image of `size` gives -> (B, C, height, width).
    Raises: ConfigError on unknown filters.
    """
    _check(first, later)
    transform = DTCWTInverse(biort=first, qshift=later)
    _, low, _, high = biort(first)
    _, _, low_a, low_b, _, _, high_a, high_b = qshift(later)
    _give(
        transform, tree.approximation,
        g0o=low, g1o=high, g0a=low_a, g0b=low_b, g1a=high_a, g1b=high_b,
    )  # fmt: skip
    image: Tensor = transform((tree.approximation, [torch.view_as_real(b) for b in tree.bands]))
    return image[..., : size[0], : size[1]]


def _check(first: str, later: str) -> None:
    if first not in FIRST_FILTERS:
        raise ConfigError(
            f"unknown first filters {first!r}: choose one of {', '.join(FIRST_FILTERS)}"
        )
    if later not in LATER_FILTERS:
        raise ConfigError(
            f"unknown later filters {later!r}: choose one of {', '.join(LATER_FILTERS)}"
        )


def _give(transform: nn.Module, like: Tensor, **filters: ArrayLike) -> None:
    """Replace the module's float32 filters with the same in the precision of the image."""
    for name, taps in filters.items():
        backwards = np.asarray(taps, dtype=np.float64).ravel()[::-1].copy()
        setattr(transform, name, torch.from_numpy(backwards).view(1, 1, -1, 1).to(like))
