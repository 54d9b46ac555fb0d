"""Simple, parameter-free attention (SimAM): a pixel counts by how it stands out of its channel.

Yang et al., "SimAM: A Simple, Parameter-Free Attention Module for Convolutional Neural Networks",
ICML 2021, https://proceedings.mlr.press/v139/yang21o.html. With a channel's mean m and variance v
(of n - 1 pixels), a pixel is scaled by the sigmoid of (x - m)^2 / (4 (v + lambda)) + 1/2.
"""

# Shapes: B batch, C channels, H W height and width.

from torch import Tensor

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import moments


class SimpleAttention(PoolingAttention):
    """Scale every pixel by how far it is from its channel's mean, in units of its variance.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, for its mean and variance; or half the window.
    """

    category = "channel and spatial"

    def __init__(
        self, channels: int, *, window: int | None = None, regularisation: float = 1e-4
    ) -> None:
        super().__init__(channels, window=window)
        self.regularisation = regularisation

    def forward(self, x_BCHW: Tensor) -> Tensor:
        pixels, mean_BCHW, squares_BCHW = moments(x_BCHW, self.window)
        # One pixel has no variance, and no deviation either.
        variance_BCHW = squares_BCHW / (pixels - 1).clamp(min=1)
        apart_BCHW = (x_BCHW - mean_BCHW).square() / (4 * (variance_BCHW + self.regularisation))
        return x_BCHW * (apart_BCHW + 0.5).sigmoid().to(x_BCHW.dtype)
