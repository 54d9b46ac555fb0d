"""The discrete wavelet transform of any family and any number of levels, and its inverse.

Convention
    Families: the discrete ones of PyWavelets (haar, db, sym, coif, bior, rbio, dmey), by its
    names; `wavelet_names` lists them.
    Bands are named by the edges they respond to, as in `haar.py`, with PyWavelets' signs.
    Details run from the finest level to the coarsest (PyWavelets lists them the other way).
    Border: half-sample symmetric, PyWavelets' own default, so all bands equal those of
    `pywt.wavedec2(mode="symmetric")`. A band is (n + taps - 1) // 2 long where n is the length
    it was made of: a little more than half, and never less than half the filter's.
    Arithmetic is float64 inside and the bands have the dtype of the image: in float32 long
    filters and several levels would add up to more than the promised 1e-6.

How exact
    Images in [0, 1] of any size come back to 1e-13 in float64 and 1e-6 in float32, over 5 levels
    and every family, with two exceptions that lie in the filters themselves: dmey only
    approximates an infinite filter, and leaves 1e-2; bior3.1 and rbio3.1 amplify the rounding
    of float32 bands with every level, to 5e-5 at the fifth.
    PyWavelets' tables of sym, bior4.4, 5.5 and 6.8 (and rbio) end after 12 digits or so, which
    would leave up to 1e-10. srkit carries one filter of each pair on by as many digits as exact
    inversion takes, and no band moves by more than that.

Built on pytorch-wavelets' filter banks (Cotter, "Uses of Complex Wavelets in Deep Convolutional
Neural Networks", PhD thesis, Cambridge 2019), but not on its modules: 1.3.0's `DWTForward` keeps
its filters in float32, its gradient ignores symmetric borders, and that of its `DWTInverse`
skips the details when the approximation needs none. None of it exports to ONNX: models use
`haar.py`.
"""

# Shapes: B batch, C channels, H W height and width of the level at hand, h w of its bands.

import warnings
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pywt
import torch
from numpy.typing import NDArray
from torch import Tensor

from srkit.errors import ConfigError

with warnings.catch_warnings():
    # It imports pkg_resources, which warns about its own end (setuptools is pinned for it).
    warnings.simplefilter("ignore")
    from pytorch_wavelets.dwt.lowlevel import afb2d, sfb2d

# Errors below are the last digits of a table, to be mended; dmey's is its design, to be kept.
LARGEST_TABLE_ERROR = 1e-9


class Details(NamedTuple):
    """The three detail bands of one level, each (B, C, h, w)."""

    horizontal: Tensor
    vertical: Tensor
    diagonal: Tensor


class Decomposition(NamedTuple):
    """What `decompose` makes of an image; the details run from fine to coarse."""

    approximation: Tensor
    details: list[Details]


def wavelet_names() -> list[str]:
    """List the wavelets `decompose` knows."""
    return list(pywt.wavelist(kind="discrete"))


def decompose(x_BCHW: Tensor, wavelet: str = "db2", *, levels: int = 1) -> Decomposition:
    """Split an image into an approximation and three detail bands a level.

    Shape: (B, C, H, W) floating, any H and W >= 1, any value range -> bands of the shapes told
    above. For a flat image the approximation is 2**levels times its brightness (not with dmey,
    whose filter sums to that only roughly).
    Raises: ConfigError on an unknown wavelet, or levels below 1.
    """
    if levels < 1:
        raise ConfigError(f"levels must be at least 1, got {levels}")
    low, high, _, _ = _filters(wavelet)
    # afb2d correlates where PyWavelets convolves, hence the filters backwards.
    filters = _columns_and_rows(low[::-1], high[::-1], x_BCHW)
    approximation = x_BCHW.to(torch.float64)
    details = []
    for _ in range(levels):
        bands = afb2d(approximation, filters, mode="symmetric").unflatten(1, (-1, 4)).unbind(2)
        approximation = bands[0]
        details.append(Details(*(band.to(x_BCHW.dtype) for band in bands[1:])))
    return Decomposition(approximation.to(x_BCHW.dtype), details)


def reconstruct(decomposition: Decomposition, wavelet: str, size: tuple[int, int]) -> Tensor:
    """Rebuild the (height, width) image that `decompose` split with the same wavelet.

    Shape: bands of the shapes that an image of `size` gives -> (B, C, height, width).
    Raises: ConfigError on an unknown wavelet.
    """
    _, _, low, high = _filters(wavelet)
    filters = _columns_and_rows(low, high, decomposition.approximation)
    image = decomposition.approximation.to(torch.float64)
    for details in reversed(decomposition.details):
        height, width = details.horizontal.shape[-2:]
        # An odd level comes back one row or column too long.
        bands = [image[..., :height, :width], *(band.to(torch.float64) for band in details)]
        image = sfb2d(*bands, filters, mode="symmetric")
    return image[..., : size[0], : size[1]].to(decomposition.approximation.dtype)


def _columns_and_rows(
    low: NDArray[np.float64], high: NDArray[np.float64], like: Tensor
) -> list[Tensor]:
    """Bring a pair of filters into the form pytorch-wavelets takes."""
    pair = [torch.from_numpy(taps.copy()).to(like.device) for taps in (low, high)]
    return [taps.view(1, 1, -1, 1) for taps in pair] + [taps.view(1, 1, 1, -1) for taps in pair]


@lru_cache
def _filters(wavelet: str) -> tuple[NDArray[np.float64], ...]:
    """Give decomposition low and high, reconstruction low and high, mended to invert exactly.

    The two high filters are the two low ones with alternating signs, so the bank inverts exactly
    when the low ones are orthonormal under even shifts. That is linear in one of them: its
    smallest correction is one least-squares solution.
    """
    if wavelet not in wavelet_names():
        raise ConfigError(
            f"unknown wavelet {wavelet!r}: choose one of PyWavelets' discrete families",
            hint="haar, db1-38, sym2-20, coif1-17, bior1.1-6.8, rbio1.1-6.8, dmey",
        )
    table = pywt.Wavelet(wavelet)
    dec_low, dec_high, rec_low, rec_high = (np.array(taps) for taps in table.filter_bank)
    length = len(dec_low)
    shifts = range(2 - length, length, 2)
    shifted = np.stack([_shift(dec_low[::-1], shift) for shift in shifts])
    missing = np.array([shift == 0 for shift in shifts]) - shifted @ rec_low
    if 1e-15 < np.abs(missing).max() < LARGEST_TABLE_ERROR:
        # rcond: long filters nearly satisfy some of the equations whatever their taps are.
        correction = np.linalg.lstsq(shifted, missing, rcond=1e-10)[0]
        rec_low = rec_low + correction
        dec_high = dec_high - correction * (-1.0) ** np.arange(length)
    return dec_low, dec_high, rec_low, rec_high


def _shift(taps: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    """Move taps to the right, filling up with zeros."""
    moved = np.zeros_like(taps)
    if by >= 0:
        moved[by:] = taps[: len(taps) - by]
    else:
        moved[:by] = taps[-by:]
    return moved
