"""The style-based recalibration module (SRM): gates from each channel's mean and deviation.

Lee, Kim, Nam, "SRM: A Style-based Recalibration Module for Convolutional Neural Networks", ICCV
2019, https://arxiv.org/abs/1903.10829. The weights start at zero, so the gates at a half. The paper
normalises the batch before the sigmoid (`norm="bn"`); ours has a bias instead.
"""

# Shapes: B batch, C channels, H W height and width.

import torch
from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import moments
from srkit.layers.norm import create_norm

# Under the root, whose slope is infinite at a flat map.
EPSILON = 1e-5


class StyleRecalibration(PoolingAttention):
    """Scale every channel by a gate computed from its own mean and standard deviation.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because both are taken over it; or half the window.
    """

    category = "channel"
    gain_at_init = 0.5

    def __init__(self, channels: int, *, window: int | None = None, norm: str = "none") -> None:
        super().__init__(channels, window=window)
        self.of_mean = nn.Parameter(torch.zeros(channels, 1, 1))
        self.of_deviation = nn.Parameter(torch.zeros(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1)) if norm == "none" else None
        self.norm = create_norm(norm, channels)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        pixels, mean_BCHW, squares_BCHW = moments(x_BCHW, self.window)
        deviation_BCHW = (squares_BCHW / pixels + EPSILON).sqrt()
        style_BCHW = mean_BCHW * self.of_mean + deviation_BCHW * self.of_deviation
        if self.bias is not None:
            style_BCHW = style_BCHW + self.bias
        return x_BCHW * self.norm(style_BCHW).sigmoid().to(x_BCHW.dtype)
