"""The gate of bridge attention (BA): channel weights from the means of several feature maps.

Zhao et al., "BA-Net: Bridge Attention for Deep Convolutional Neural Networks", ECCV 2022,
https://arxiv.org/abs/2112.04150. Where squeeze-and-excitation looks at the features it scales, this
looks at those of the block's earlier convolutions too. Each mean goes through a layer and a
normalisation of its own; their sum is the hidden layer.

The paper's batch normalisation of one vector an image (`norm="bn"`) has little to go by in small
batches, and refuses a single image in training: ours is layer normalisation, which needs a few
values to normalise, so that narrow networks get `least_hidden` where the paper's reduction leaves
one.
"""

# Shapes: B batch, C channels of each map, N hidden channels, G gated channels, H W height and
# width.

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.attention import Category
from srkit.layers.attention.pooling import mean, pooling_radius
from srkit.layers.layer import Layer
from srkit.layers.norm import create_norm


class BridgeGate(Layer):
    """Compute channel weights in (0, 1) from several maps of the same size.

    Shape: one (B, C, H, W) for each of `channels` -> (B, G, 1, 1); with a window (B, G, H, W).
    Receptive field: the whole image, because the means are taken over it; or half the window.
    Raises: ConfigError when there is no map to look at.
    """

    category: ClassVar[Category] = "channel"

    def __init__(
        self,
        channels: Sequence[int],
        gated_channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        least_hidden: int = 4,
        norm: str = "ln",
    ) -> None:
        super().__init__()
        if not channels:
            raise ConfigError("a bridge gate needs the channels of at least one map")
        hidden = max(gated_channels // reduction, least_hidden)
        self.window = window
        self.receptive_field = pooling_radius(window)
        self.squeeze = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, hidden, 1, bias=False), create_norm(norm, hidden))
            for width in channels
        )
        self.excite = nn.Conv2d(hidden, gated_channels, 1, bias=False)

    def forward(self, maps_BCHW: Sequence[Tensor]) -> Tensor:
        squeezed = [
            squeeze(mean(map_BCHW, self.window))
            for squeeze, map_BCHW in zip(self.squeeze, maps_BCHW, strict=True)
        ]
        hidden_BNHW = sum(squeezed[1:], start=squeezed[0]).relu()
        gate_BGHW: Tensor = self.excite(hidden_BNHW).sigmoid()
        return gate_BGHW
