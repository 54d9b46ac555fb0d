"""The residual block of super-resolution: two convolutions without normalisation.

Lim et al., "Enhanced Deep Residual Networks for Single Image Super-Resolution" (EDSR), CVPR
Workshops 2017, https://arxiv.org/abs/1707.02921; with channel attention at its end it is RCAN's
block (Zhang et al., ECCV 2018). srkit uses a leaky ReLU of slope 0.1 where EDSR has a plain one.
"""

# Shapes: B batch, C features, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention import create_attention
from srkit.layers.layer import Layer, chained


class ResidualBlock(Layer):
    """Add to the features what two 3x3 convolutions and an attention make of them.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 2, or the whole image where the attention's is.
    """

    def __init__(self, features: int, attention: str, *, window: int | None = None) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.activate = nn.LeakyReLU(0.1)
        self.second = nn.Conv2d(features, features, 3, padding=1)
        self.attend = create_attention(attention, features, window=window)
        self.size_multiple = self.attend.size_multiple
        self.receptive_field = chained((2, self.attend.receptive_field))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        change_BCHW = self.second(self.activate(self.first(x_BCHW)))
        return x_BCHW + self.attend(change_BCHW)
