"""The wavelet autoencoder attention: squeeze-and-excitation of every band of a wavelet transform.

Salman, Parks, Hong, Zhan, "WaveNets: Wavelet Channel Attention Networks", first version, 2022,
https://arxiv.org/abs/2211.02695v1. The features are taken apart by db3, each band is scaled by
gates of its own, and the bands are put together again; of one level (four bands) or two (seven).
Gates of one would give the features back exactly.

The border is half-sample symmetric where the paper fills up with zeros, which would darken it. With
a window, each band is pooled in the window's part of its pixels; the transform steps by 2 (or 4),
so a tile of the map must start on that grid.
"""

# Shapes: B batch, C channels, H W height and width, h w of the bands.

from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.transforms.wavelet import Decomposition, Details, decompose, reconstruct

WAVELET = "db3"
# From its first tap to its last, which is how far a coefficient and a pixel can be apart.
SPAN = 5
MOST_LEVELS = 2


class WaveletBandAttention(PoolingAttention):
    """Scale the channels of each wavelet band by gates computed from the band's means.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image; or at most half the window and 5 (or 15 of two levels).
    Raises: ConfigError when the levels are neither 1 nor 2.
    """

    category = "channel"
    gain_at_init = 0.5

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        levels: int = 1,
        reduction: int = 16,
        least_hidden: int = 1,
    ) -> None:
        super().__init__(channels, window=window)
        if not 1 <= levels <= MOST_LEVELS:
            raise ConfigError(f"levels must be 1 or {MOST_LEVELS}, got {levels}")
        self.levels = levels
        self.size_multiple = 2**levels
        scales = [2**level for level in range(1, levels + 1)]
        pooled = [None if window is None else max(window // scale, 1) for scale in scales]

        def gate(side: int | None) -> SqueezeExcitation:
            return SqueezeExcitation(
                channels, window=side, reduction=reduction, least_hidden=least_hidden
            )

        self.approximation = gate(pooled[-1])
        # In the order of Details, level after level.
        self.details = nn.ModuleList(gate(side) for side in pooled for _ in Details._fields)
        if window is not None:
            self.receptive_field = max(
                SPAN * (scale - 1) + scale * (side // 2)
                for scale, side in zip(scales, pooled, strict=True)
                if side is not None
            )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        approximation, details = decompose(x_BCHW, WAVELET, levels=self.levels)
        gates = iter(self.details)
        gated = [Details(*(next(gates)(band) for band in bands)) for bands in details]
        whole = Decomposition(self.approximation(approximation), gated)
        return reconstruct(whole, WAVELET, (x_BCHW.shape[2], x_BCHW.shape[3]))
