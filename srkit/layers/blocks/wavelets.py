"""The wavelets block: attention to keys and values halved by a transform that loses nothing.

Yao et al., "Wave-ViT: Unifying Wavelet and Transformers for Visual Representation Learning", ECCV
2022, https://arxiv.org/abs/2207.04978. "Nothing" is said of the transform: a convolution stands
between it and its inverse, which brings the details back into the result. srkit's defaults leave
out batch normalisation and let the ReLU leak (`norm="bn", slope=0`); `window`, which confines the
attention to windows, is ours. The paper's stochastic depth, for classifiers of many blocks, is left
out.
"""

# Shapes: B batch, C features, Q a quarter of them, N hidden channels, H W height and width, h w of
# the reduced keys.

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention import create_attention
from srkit.layers.blocks.reduced_attention import attend, check_window, head_count
from srkit.layers.layer import Layer, chained
from srkit.layers.norm import ChannelNorm, create_norm
from srkit.transforms.haar import Bands, haar, inverse_haar
from srkit.transforms.padding import pad_to_multiple


class WaveletAttention(Layer):
    """Attend to keys and values made from Haar bands, beside the inverse transform of these bands.

    `reduction` is that of the convolution behind the transform: a key stands for a cell of twice as
    many pixels.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image; with a window 1 more than it.
    Raises: ConfigError when the features are not a multiple of 4 or the heads, or the window not of
        twice the reduction.
    """

    def __init__(
        self,
        features: int,
        *,
        heads: int | None,
        reduction: int,
        norm: str,
        slope: float,
        window: int | None,
    ) -> None:
        super().__init__()
        if features % 4:
            raise ConfigError(
                f"features must be a multiple of 4 for a wavelets block, got {features}"
            )
        self.heads = head_count(features, heads)
        check_window(window, 2 * reduction)
        self.cell, self.window = 2 * reduction, window
        self.query = nn.Conv2d(features, features, 1)
        # Biased even before a normalisation, as in the paper's code.
        self.thin = nn.Sequential(
            nn.Conv2d(features, features // 4, 1),
            create_norm(norm, features // 4),
            nn.LeakyReLU(slope),
        )
        self.filter = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1),
            create_norm(norm, features),
            nn.LeakyReLU(slope),
        )
        self.reduce = (
            nn.Conv2d(features, features, reduction, stride=reduction)
            if reduction > 1
            else nn.Identity()
        )
        self.reduced_norm = ChannelNorm(features, eps=1e-5)
        self.key_value = nn.Conv2d(features, 2 * features, 1)
        self.leave = nn.Conv2d(features + features // 4, features, 1)
        # A window's keys see the bands around it: one cell of the transform, two pixels.
        self.receptive_field = None if window is None else window - 1 + 2
        self.size_multiple = self.cell if window is None else window

    def forward(self, x_BCHW: Tensor) -> Tensor:
        size = (x_BCHW.shape[-2], x_BCHW.shape[-1])
        # A cell that the border cuts is filled with the last row and column.
        thin_BQHW = self.thin(pad_to_multiple(x_BCHW, self.cell))
        filtered = self.filter(torch.cat(haar(thin_BQHW), dim=1))
        details_BQHW = inverse_haar(Bands(*filtered.chunk(4, dim=1)), size)
        reduced_BChw = self.reduced_norm(self.reduce(filtered))
        key_BChw, value_BChw = self.key_value(reduced_BChw).chunk(2, dim=1)
        attended_BCHW = attend(
            self.query(x_BCHW),
            key_BChw,
            value_BChw,
            heads=self.heads,
            reduction=self.cell,
            window=self.window,
        )
        left_BCHW: Tensor = self.leave(torch.cat((attended_BCHW, details_BQHW), dim=1))
        return left_BCHW


class DepthwiseFeedForward(nn.Module):
    """The feed-forward network of PVT v2: pixelwise, depthwise, pixelwise convolution.

    Wang et al., "PVT v2: Improved Baselines with Pyramid Vision Transformer", Computational Visual
    Media 2022, https://arxiv.org/abs/2106.13797.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 1.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(features, hidden, 1)
        self.spread = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.narrow = nn.Conv2d(hidden, features, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        narrowed_BCHW: Tensor = self.narrow(F.gelu(self.spread(self.widen(x_BCHW))))
        return narrowed_BCHW


class WaveletsBlock(Layer):
    """Add wavelet attention to the features, then a feed-forward network with convolution.

    The attention of the slot stands at the end of the second branch.

    Shape: (B, C, H, W) in, the same out; C is a multiple of 4.
    Receptive field: the whole image; with a window 2 more than it, and the slot's attention's.
    Raises: ConfigError when the features are not a multiple of 4 or the heads, or the window not of
        twice the reduction.
    """

    def __init__(
        self,
        features: int,
        attention: str,
        *,
        window: int | None = None,
        heads: int | None = None,
        reduction: int = 1,
        expansion: int = 4,
        norm: str = "none",
        slope: float = 0.1,
    ) -> None:
        super().__init__()
        self.spatial_norm = ChannelNorm(features)
        self.spatial = WaveletAttention(
            features,
            heads=heads,
            reduction=reduction,
            norm=norm,
            slope=slope,
            window=window,
        )
        self.channel_norm = ChannelNorm(features)
        self.channel = DepthwiseFeedForward(features, expansion * features)
        self.attend = create_attention(attention, features, window=window)
        self.receptive_field = chained(
            (self.spatial.receptive_field, 1, self.attend.receptive_field)
        )
        self.size_multiple = math.lcm(self.spatial.size_multiple, self.attend.size_multiple)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        x = x_BCHW + self.spatial(self.spatial_norm(x_BCHW))
        return x + self.attend(self.channel(self.channel_norm(x)))
