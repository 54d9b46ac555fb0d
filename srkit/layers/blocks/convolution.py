"""The plainest block: one convolution and its activation, with no skip of its own.

A chain of these is what remains of RepVGG (Ding et al., CVPR 2021,
https://arxiv.org/abs/2101.03697) or SESR (see `srkit.layers.collapsible`) once it is trained and
folded: the fastest network there is at a given number of multiply-adds, because no feature map
waits for an addition.
"""

# Shapes: B batch, C features, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention import create_attention
from srkit.layers.layer import Layer, chained


class ConvolutionBlock(Layer):
    """Apply a 3x3 convolution, a leaky ReLU of slope 0.1 and an attention.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 1, or the whole image where the attention's is.
    """

    def __init__(self, features: int, attention: str, *, window: int | None = None) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(features, features, 3, padding=1)
        self.activate = nn.LeakyReLU(0.1)
        self.attend = create_attention(attention, features, window=window)
        self.size_multiple = self.attend.size_multiple
        self.receptive_field = chained((1, self.attend.receptive_field))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        attended: Tensor = self.attend(self.activate(self.convolution(x_BCHW)))
        return attended
