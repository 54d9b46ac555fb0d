"""The convolutional block attention module (CBAM): which channel, then where.

Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018,
https://arxiv.org/abs/1807.06521. Its code has a batch normalisation behind the spatial convolution
(`norm="bn"`); ours has none.
"""

# Shapes: B batch, C channels, H W height and width.

import torch
from torch import Tensor

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.excitation import Excitation
from srkit.layers.attention.pooling import maximum, mean
from srkit.layers.convolution import convolution


class ConvolutionalBlockAttention(PoolingAttention):
    """Scale every channel by means and maxima over positions, then every position by those of it.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because it pools it; or half the window and 3.
    """

    category = "channel and spatial"
    gain_at_init = 0.25
    reach = 3

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        norm: str = "none",
    ) -> None:
        super().__init__(channels, window=window)
        self.gate = Excitation(channels, reduction=reduction, bias=False)
        self.place = convolution(2, 1, 7, norm=norm)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        of_mean = self.gate.logits(mean(x_BCHW, self.window))
        of_maximum = self.gate.logits(maximum(x_BCHW, self.window))
        x_BCHW = x_BCHW * (of_mean + of_maximum).sigmoid()
        seen_B2HW = torch.cat((x_BCHW.mean(1, keepdim=True), x_BCHW.amax(1, keepdim=True)), dim=1)
        gated_BCHW: Tensor = x_BCHW * self.place(seen_B2HW).sigmoid()
        return gated_BCHW
