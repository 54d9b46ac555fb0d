"""WaveNet-C: channel attention that squeezes with random orthogonal wavelets instead of a mean.

Salman, Parks, Hong, Zhan, "WaveNets: Wavelet Channel Attention Networks", IEEE Big Data 2022,
https://arxiv.org/abs/2211.02695. A mean over 2^J x 2^J pixels is 2^-J of the approximation that J
levels of the Haar transform leave. So squeeze-and-excitation keeps one wavelet's approximation;
this keeps another for each channel: a filter of 2x2, one of four random ones made orthonormal by
Gram-Schmidt, convolved with a step of two until one number is left. The filters are not learned.

The values are the paper's as they are (`norm="raw"`), of the same size for noise of any area;
`norm="average"` divides them by 2^J, as a mean does, so that flat maps give the same at any size.

Convention
    The released code cannot run; this follows the paper's figures. Maps of other sizes than 2^J are
    fitted: `fit="pad"` repeats the last row and column up to the next power of two of the longer
    side, "pool" averages to the largest one below the shorter, "crop" looks at that corner only,
    which is what two-by-two steps without padding do.
    With a window, its side is the power of two below, the same filters are not subsampled but
    dilated (a trous), and a position near the border is given the nearest whole window inside.
"""

# Shapes: B batch, C channels, H W height and width.

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.excitation import Excitation

FITS = ("pad", "pool", "crop")
NORMS = ("raw", "average")


class WaveletChannelAttention(PoolingAttention):
    """Scale every channel by a gate computed from a wavelet coefficient of each.

    `seed` makes the filters; without one torch's own generator does. They are saved with the
    weights.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image; or the window's side, rounded down to a power of two, less 1.
    Raises: ConfigError for an unknown fit or norm, or a window with a fit other than "pad".
    """

    category = "channel"
    gain_at_init = 0.5

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        fit: Literal["pad", "pool", "crop"] = "pad",
        norm: Literal["raw", "average"] = "raw",
        seed: int | None = None,
    ) -> None:
        super().__init__(channels, window=window)
        if fit not in FITS:
            raise ConfigError(f"fit must be one of {', '.join(FITS)}, got {fit!r}")
        if norm not in NORMS:
            raise ConfigError(f"norm must be one of {', '.join(NORMS)}, got {norm!r}")
        if window is not None and fit != "pad":
            raise ConfigError(f"a window of {window} needs fit pad, got {fit!r}")
        self.fit = fit
        self.average = norm == "average"
        self.gate = Excitation(channels, reduction=reduction, bias=False)
        self.register_buffer("filters", orthonormal_filters(channels, seed=seed))
        self.levels = None if window is None else window.bit_length() - 1
        if self.levels is not None:
            self.receptive_field = 2**self.levels - 1

    def compress(self, x_BCHW: Tensor) -> Tensor:
        """Give a coefficient a channel, (B, C, 1, 1), or one a position when there is a window."""
        longest, shortest = max(x_BCHW.shape[2:]), min(x_BCHW.shape[2:])
        levels = (longest - 1).bit_length() if self.fit == "pad" else shortest.bit_length() - 1
        if self.levels is None:
            return self._filtered(self._fitted(x_BCHW, 2**levels), levels)
        levels = min(levels, self.levels)
        return self._filtered_around(x_BCHW, levels)

    def _fitted(self, x_BCHW: Tensor, side: int) -> Tensor:
        if self.fit == "pool":
            return F.adaptive_avg_pool2d(x_BCHW, side)
        if self.fit == "crop":
            return x_BCHW[..., :side, :side]
        return _filled(x_BCHW, side)

    def _filtered(self, x_BCHW: Tensor, levels: int, *, dilated: bool = False) -> Tensor:
        filters = self.get_buffer("filters").to(x_BCHW.dtype)
        for level in range(levels):
            step = {"dilation": 2**level} if dilated else {"stride": 2}
            x_BCHW = F.conv2d(x_BCHW, filters, groups=self.channels, **step)
        return x_BCHW / 2**levels if self.average else x_BCHW

    def _filtered_around(self, x_BCHW: Tensor, levels: int) -> Tensor:
        height, width = x_BCHW.shape[2:]
        before = 2**levels // 2
        after = 2**levels - 1 - before
        whole = self._filtered(_filled(x_BCHW, 2**levels), levels, dilated=True)
        around = F.pad(whole, (before, after, before, after), mode="replicate")
        return around[..., :height, :width]

    def forward(self, x_BCHW: Tensor) -> Tensor:
        gated_BCHW: Tensor = x_BCHW * self.gate(self.compress(x_BCHW))
        return gated_BCHW


def orthonormal_filters(channels: int, *, seed: int | None = None) -> Tensor:
    """Give a random filter a channel, (C, 1, 2, 2); each four in a row are orthonormal.

    The first of every four has no negative tap, so it is the most like a mean.
    """
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    bases = -(-channels // 4)
    # float64: in float32 the products of filters are off by 1e-5.
    vectors_N44 = torch.rand(bases, 4, 4, dtype=torch.float64, generator=generator)
    made: list[Tensor] = []
    for vector_N4 in vectors_N44.unbind(1):
        for earlier in made:
            vector_N4 = vector_N4 - (vector_N4 * earlier).sum(1, keepdim=True) * earlier
        made.append(vector_N4 / vector_N4.norm(dim=1, keepdim=True))
    return torch.stack(made, 1).reshape(-1, 1, 2, 2)[:channels].float()


def _filled(x_BCHW: Tensor, side: int) -> Tensor:
    """Repeat the last row and column until no side is shorter."""
    height, width = x_BCHW.shape[2:]
    right, bottom = max(side - width, 0), max(side - height, 0)
    return F.pad(x_BCHW, (0, right, 0, bottom), mode="replicate")
