"""The CMT block: a transformer's block with a convolution in each of its three parts.

Guo et al., "CMT: Convolutional Neural Networks Meet Vision Transformers", CVPR 2022,
https://arxiv.org/abs/2107.06263. srkit's defaults leave out batch normalisation, and know positions
by their offset from each other, where the paper's bias fits images of one size only
(`norm="bn", position=AbsoluteBias(...)`). `window` is ours: it confines the attention to windows.
"""

# Shapes: B batch, C features, N hidden channels, H W height and width, h w of the reduced keys.

import math

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.attention import create_attention
from srkit.layers.blocks.position_bias import RelativeBias
from srkit.layers.blocks.reduced_attention import (
    PositionBias,
    attend,
    check_window,
    head_count,
)
from srkit.layers.layer import Layer, chained
from srkit.layers.norm import ChannelNorm, create_norm
from srkit.transforms.padding import pad_to_multiple


class LightweightAttention(Layer):
    """Attend to keys and values that a strided depthwise convolution made fewer.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, or the window less one.
    Raises: ConfigError when the heads do not divide the features or the reduction the window.
    """

    def __init__(
        self,
        features: int,
        *,
        heads: int | None,
        reduction: int,
        norm: str,
        position: PositionBias | None,
        window: int | None,
    ) -> None:
        super().__init__()
        self.heads = head_count(features, heads)
        check_window(window, reduction)
        self.reduction, self.window = reduction, window
        self.reduce = nn.Sequential()
        if reduction > 1:
            self.reduce.append(
                nn.Conv2d(features, features, reduction, stride=reduction, groups=features)
            )
            self.reduce.append(create_norm(norm, features))
        self.query = nn.Conv2d(features, features, 1)
        self.key = nn.Conv2d(features, features, 1)
        self.value = nn.Conv2d(features, features, 1)
        self.position = (
            RelativeBias(self.heads, reduction=reduction) if position is None else position
        )
        self.leave = nn.Conv2d(features, features, 1)
        self.receptive_field = None if window is None else window - 1
        self.size_multiple = reduction if window is None else window

    def forward(self, x_BCHW: Tensor) -> Tensor:
        # A cell that the border cuts is filled with the last row and column.
        reduced_BChw = self.reduce(pad_to_multiple(x_BCHW, self.reduction))
        attended_BCHW = attend(
            self.query(x_BCHW),
            self.key(reduced_BChw),
            self.value(reduced_BChw),
            heads=self.heads,
            reduction=self.reduction,
            window=self.window,
            bias=self.position,
        )
        left_BCHW: Tensor = self.leave(attended_BCHW)
        return left_BCHW


class InvertedResidualFeedForward(nn.Module):
    """Widen the features, add a depthwise convolution of them, narrow them.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 1.
    """

    def __init__(self, features: int, hidden: int, *, norm: str) -> None:
        super().__init__()
        self.widen = nn.Conv2d(features, hidden, 1)
        self.widen_norm = create_norm(norm, hidden)
        self.spread = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.spread_norm = create_norm(norm, hidden)
        self.narrow = nn.Conv2d(hidden, features, 1)
        self.narrow_norm = create_norm(norm, features)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        wide_BNHW = self.widen_norm(F.gelu(self.widen(x_BCHW)))
        spread_BNHW = self.spread_norm(F.gelu(wide_BNHW + self.spread(wide_BNHW)))
        narrowed_BCHW: Tensor = self.narrow_norm(self.narrow(spread_BNHW))
        return narrowed_BCHW


class CMTBlock(Layer):
    """Add a depthwise convolution, then attention, then a feed-forward network with convolution.

    The attention of the slot stands at the end of the last branch.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image; with a window 1 more than it, and the slot's attention's.
    Raises: ConfigError when the heads do not divide the features or the reduction the window.
    """

    def __init__(
        self,
        features: int,
        attention: str,
        *,
        window: int | None = None,
        heads: int | None = None,
        reduction: int = 2,
        expansion: float = 4,
        norm: str = "none",
        position: PositionBias | None = None,
    ) -> None:
        super().__init__()
        self.local = nn.Conv2d(features, features, 3, padding=1, groups=features)
        self.spatial_norm = ChannelNorm(features)
        self.spatial = LightweightAttention(
            features,
            heads=heads,
            reduction=reduction,
            norm=norm,
            position=position,
            window=window,
        )
        self.channel_norm = ChannelNorm(features)
        self.channel = InvertedResidualFeedForward(features, int(features * expansion), norm=norm)
        self.attend = create_attention(attention, features, window=window)
        self.receptive_field = chained(
            (1, self.spatial.receptive_field, 1, self.attend.receptive_field)
        )
        self.size_multiple = math.lcm(self.spatial.size_multiple, self.attend.size_multiple)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        x = x_BCHW + self.local(x_BCHW)
        x = x + self.spatial(self.spatial_norm(x))
        return x + self.attend(self.channel(self.channel_norm(x)))
