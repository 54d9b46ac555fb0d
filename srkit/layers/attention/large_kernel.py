"""Large kernel attention (LKA): a gate that sees 23x23 pixels at the price of three small layers.

Guo et al., "Visual Attention Network", Computational Visual Media 2023,
https://arxiv.org/abs/2202.09741. A 5x5 convolution of each channel, a 7x7 one of dilation 3, and a
mixture of the channels; the result multiplies the input, without a sigmoid. The paper takes such
three layers for a 21x21 kernel; together they reach 11 pixels to every side.
"""

# Shapes: B batch, C channels, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention.attention import Attention
from srkit.layers.dilated import DilatedConv2d


class LargeKernelAttention(Attention):
    """Multiply every pixel by a function of the pixels around it.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 11: 2 of the 5x5 kernel, 9 of the dilated one.
    """

    category = "channel and spatial"
    receptive_field = 11

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.near = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.far = DilatedConv2d(channels, channels, 7, padding=9, dilation=3, groups=channels)
        self.mix = nn.Conv2d(channels, channels, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        gated_BCHW: Tensor = x_BCHW * self.mix(self.far(self.near(x_BCHW)))
        return gated_BCHW
