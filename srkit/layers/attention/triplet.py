"""Triplet attention: three gates, each blind to one of channel, height and width.

Misra et al., "Rotate to Attend: Convolutional Triplet Attention Module", WACV 2021,
https://arxiv.org/abs/2010.03045. The maximum and mean over one axis are convolved with a 7x7 kernel
over the other two; the three gated maps are averaged. Where the paper rotates the map for that, a
flat three-dimensional kernel does the same, and stays right when the axis is pooled in windows.
The paper normalises the batch behind the convolutions (`norm="bn"`); ours have a bias instead.
"""

# Shapes: B batch, C channels, H W height and width; the convolutions' channels are the maximum and
# the mean, their three axes C, H and W.

import torch
from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import maximum, mean
from srkit.layers.norm import create_norm

KERNEL = 7


class TripletAttention(PoolingAttention):
    """Average three maps, gated by what channels, rows and columns look like without each other.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, along its axes; or half the window, and no less than 3.
    """

    category = "channel and spatial"
    gain_at_init = 0.5

    def __init__(self, channels: int, *, window: int | None = None, norm: str = "none") -> None:
        super().__init__(channels, window=window)
        self.without_rows = _FlatConvolution((KERNEL, 1, KERNEL), norm)
        self.without_columns = _FlatConvolution((KERNEL, KERNEL, 1), norm)
        self.without_channels = _FlatConvolution((1, KERNEL, KERNEL), norm)
        if self.receptive_field is not None:
            self.receptive_field = max(self.receptive_field, KERNEL // 2)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        gates = (
            self.without_rows(_extremes(x_BCHW, self.window, 2)),
            self.without_columns(_extremes(x_BCHW, self.window, 3)),
            self.without_channels(_extremes(x_BCHW, None, 1)),
        )
        return x_BCHW * (gates[0] + gates[1] + gates[2]) / 3


class _FlatConvolution(nn.Module):
    def __init__(self, kernel: tuple[int, int, int], norm: str) -> None:
        super().__init__()
        around = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        self.convolve = nn.Conv3d(2, 1, kernel, padding=around, bias=norm == "none")
        self.norm = create_norm(norm, 1)

    def forward(self, pooled_B2CHW: Tensor) -> Tensor:
        made_BCHW = self.convolve(pooled_B2CHW)[:, 0]
        # The normalisation's one channel is the convolution's: rows and channels count as places.
        normal_B1CHW = self.norm(made_BCHW.flatten(1, 2)[:, None])
        gate_BCHW: Tensor = normal_B1CHW[:, 0].view_as(made_BCHW).sigmoid()
        return gate_BCHW


def _extremes(x_BCHW: Tensor, window: int | None, dim: int) -> Tensor:
    return torch.stack((maximum(x_BCHW, window, (dim,)), mean(x_BCHW, window, (dim,))), dim=1)
