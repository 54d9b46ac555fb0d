"""Conditionally parameterised convolution (CondConv): which kernels an image needs.

Yang et al., "CondConv: Conditionally Parameterized Convolutions for Efficient Inference", NeurIPS
2019, https://arxiv.org/abs/1904.04971. Each expert's weight is the sigmoid of a linear function of
the image's means; the weights need not sum to one.
"""

# Shapes: B batch, C channels, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.expert_convolution import ExpertConvolution
from srkit.layers.attention.pooling import mean


class ConditionalConvolution(PoolingAttention):
    """Convolve with a mixture of 3x3 kernels that depends on the image's means.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, for its mean; or half the window, and no less than 1.
    """

    category = "branch"

    def __init__(self, channels: int, *, window: int | None = None, experts: int = 4) -> None:
        super().__init__(channels, window=window)
        self.route = nn.Conv2d(channels, experts, 1)
        self.convolve = ExpertConvolution(channels, experts)
        if self.receptive_field is not None:
            self.receptive_field = max(self.receptive_field, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        weights_BEHW = self.route(mean(x_BCHW, self.window)).sigmoid()
        convolved_BCHW: Tensor = self.convolve(x_BCHW, weights_BEHW)
        return convolved_BCHW
