"""The MogaNet block: large kernels of several sizes, gated, then a channel-aggregating FFN.

Li et al., "MogaNet: Multi-order Gated Aggregation Network", ICLR 2024,
https://arxiv.org/abs/2211.03295. srkit's default normalises the channels of each position where the
paper has batch normalisation (`norm="bn"`), and leaves out its stochastic depth.
"""

# Shapes: B batch, C features, N hidden channels, H W height and width.

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention import create_attention, pooling
from srkit.layers.dilated import DilatedConv2d
from srkit.layers.layer import Layer, chained
from srkit.layers.norm import create_norm

# What each channel's branches start with, in the paper: the block begins as nearly the identity.
SCALE = 1e-5


class ChannelScale(nn.Module):
    """Multiply each channel by a number of its own.

    Shape: (B, C, H, W) in, the same out.
    """

    def __init__(self, channels: int, start: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((channels, 1, 1), start))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW * self.factor


class MultiOrderConvolution(nn.Module):
    """Convolve an eighth of the channels once, and three and four eighths again and wider.

    Shape: (B, C, H, W) in, the same out; C is a multiple of 8.
    Receptive field: 11: the 5x5 kernel, and a 7x7 kernel of dilation 3 behind it.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        if features % 8:
            raise ConfigError(f"features must be a multiple of 8 for a moga block, got {features}")
        middle, high = 3 * features // 8, features // 2
        self.parts = (features - middle - high, middle, high)
        self.low = nn.Conv2d(features, features, 5, padding=2, groups=features)
        self.middle = DilatedConv2d(middle, middle, 5, padding=4, dilation=2, groups=middle)
        self.high = DilatedConv2d(high, high, 7, padding=9, dilation=3, groups=high)
        self.mix = nn.Conv2d(features, features, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        low, middle, high = self.low(x_BCHW).split(self.parts, dim=1)
        mixed: Tensor = self.mix(torch.cat((low, self.middle(middle), self.high(high)), dim=1))
        return mixed


class GatedAggregation(Layer):
    """Push the features away from their mean, then gate their multi-order convolutions by them.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 11 and half of the window; without one the whole image, for its mean.
    """

    def __init__(self, features: int, *, window: int | None = None) -> None:
        super().__init__()
        self.window = window
        self.enter = nn.Conv2d(features, features, 1)
        self.contrast = ChannelScale(features, SCALE)
        self.gate = nn.Conv2d(features, features, 1)
        self.value = MultiOrderConvolution(features)
        self.leave = nn.Conv2d(features, features, 1)
        self.receptive_field = chained((pooling.pooling_radius(window), 11))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        entered_BCHW = self.enter(x_BCHW)
        mean_BCHW = pooling.mean(entered_BCHW, self.window).to(entered_BCHW.dtype)
        decomposed_BCHW = F.silu(entered_BCHW + self.contrast(entered_BCHW - mean_BCHW))
        gated_BCHW = F.silu(self.gate(decomposed_BCHW)) * F.silu(self.value(decomposed_BCHW))
        left_BCHW: Tensor = self.leave(gated_BCHW)
        return x_BCHW + left_BCHW


class ChannelAggregation(nn.Module):
    """A feed-forward network that pushes its channels away from what they have in common.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 1.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.widen = nn.Conv2d(features, hidden, 1)
        self.spread = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.common = nn.Conv2d(hidden, 1, 1)
        self.contrast = ChannelScale(hidden, SCALE)
        self.narrow = nn.Conv2d(hidden, features, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        hidden_BNHW = F.gelu(self.spread(self.widen(x_BCHW)))
        apart_BNHW = self.contrast(hidden_BNHW - F.gelu(self.common(hidden_BNHW)))
        narrowed_BCHW: Tensor = self.narrow(hidden_BNHW + apart_BNHW)
        return narrowed_BCHW


class MogaBlock(Layer):
    """Add to the features their gated aggregation, then what a channel aggregation makes of them.

    The attention stands at the end of the second branch.

    Shape: (B, C, H, W) in, the same out; C is a multiple of 8.
    Receptive field: 12 and half of the window, and the attention's; without a window the whole
        image.
    Raises: ConfigError when the features are not a multiple of 8.
    """

    def __init__(
        self,
        features: int,
        attention: str,
        *,
        window: int | None = None,
        expansion: int = 4,
        norm: str = "ln",
        layer_scale: float = SCALE,
    ) -> None:
        super().__init__()
        self.spatial_norm = create_norm(norm, features)
        self.spatial = GatedAggregation(features, window=window)
        self.spatial_scale = ChannelScale(features, layer_scale)
        self.channel_norm = create_norm(norm, features)
        self.channel = ChannelAggregation(features, expansion * features)
        self.attend = create_attention(attention, features, window=window)
        self.channel_scale = ChannelScale(features, layer_scale)
        self.receptive_field = chained(
            (self.spatial.receptive_field, 1, self.attend.receptive_field)
        )
        self.size_multiple = self.attend.size_multiple

    def forward(self, x_BCHW: Tensor) -> Tensor:
        x = x_BCHW + self.spatial_scale(self.spatial(self.spatial_norm(x_BCHW)))
        return x + self.channel_scale(self.attend(self.channel(self.channel_norm(x))))
