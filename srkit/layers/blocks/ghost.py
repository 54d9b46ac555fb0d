"""The ghost module and the ghost bottleneck: half of the maps are made from the other half.

Han et al., "GhostNet: More Features from Cheap Operations", CVPR 2020,
https://arxiv.org/abs/1911.11907; called C-Ghost, for its use on CPUs, in "GhostNets on
Heterogeneous Devices via Cheap Operations", IJCV 2022, https://arxiv.org/abs/2201.03297.
srkit's defaults leave out batch normalisation and let the ReLU leak; `norm="bn", slope=0` is the
paper's, `squeeze=True` the squeeze-and-excitation that some of its bottlenecks have (a quarter of
hidden units, a hard sigmoid) instead of the slot's attention. Strides are for classifiers and left
out.
"""

# Shapes: B batch, C features, N output channels, H W height and width.

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention import create_attention
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.convolution import convolution
from srkit.layers.layer import Layer, chained
from srkit.layers.width import rounded_width


class GhostModule(nn.Module):
    """Compute one map in `ratio` with a convolution, the others with depthwise ones from these.

    Shape: (B, C, H, W) -> (B, N, H, W).
    Receptive field: half of both kernels: 1 with the paper's.
    Raises: ConfigError when the ratio is below 1.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        kernel_size: int = 1,
        ratio: int = 2,
        cheap_kernel_size: int = 3,
        norm: str = "none",
        slope: float | None = None,
    ) -> None:
        super().__init__()
        if ratio < 1:
            raise ConfigError(f"the ratio of a ghost module must be at least 1, got {ratio}")
        self.out_channels = out_channels
        primary = -(-out_channels // ratio)
        self.primary = convolution(channels, primary, kernel_size, norm=norm, slope=slope)
        self.cheap = (
            convolution(
                primary,
                primary * (ratio - 1),
                cheap_kernel_size,
                norm=norm,
                slope=slope,
                groups=primary,
            )
            if ratio > 1
            else None
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        maps: Tensor = self.primary(x_BCHW)
        if self.cheap is not None:
            maps = torch.cat((maps, self.cheap(maps)), dim=1)
        return maps[:, : self.out_channels]


class GhostBottleneck(Layer):
    """Add to the features what two ghost modules make of them, over a wider middle.

    The attention stands in the middle.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 2, or the whole image where the attention's is.
    """

    def __init__(
        self,
        features: int,
        attention: str,
        *,
        window: int | None = None,
        hidden: int | None = None,
        norm: str = "none",
        slope: float = 0.1,
        squeeze: bool = False,
    ) -> None:
        super().__init__()
        hidden = 2 * features if hidden is None else hidden
        self.widen = GhostModule(features, hidden, norm=norm, slope=slope)
        self.attend = (
            SqueezeExcitation(
                hidden, window=window, least_hidden=rounded_width(hidden / 4), hard=True
            )
            if squeeze
            else create_attention(attention, hidden, window=window)
        )
        self.narrow = GhostModule(hidden, features, norm=norm)
        self.receptive_field = chained((1, self.attend.receptive_field, 1))
        self.size_multiple = self.attend.size_multiple

    def forward(self, x_BCHW: Tensor) -> Tensor:
        change_BCHW: Tensor = self.narrow(self.attend(self.widen(x_BCHW)))
        return x_BCHW + change_BCHW
