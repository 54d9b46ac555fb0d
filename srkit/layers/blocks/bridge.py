"""The bridge block: a residual block whose channel weights come from both of its convolutions.

Zhao et al., "BA-Net: Bridge Attention for Deep Convolutional Neural Networks", ECCV 2022,
https://arxiv.org/abs/2112.04150. RCAN's block (Zhang et al., ECCV 2018), where the paper has
ResNet's: squeeze-and-excitation that sees the features between the convolutions too. srkit's
defaults leave out batch normalisation of maps and let the ReLU leak; `norm="bn", gate_norm="bn",
slope=0` are the paper's, whose ReLU behind the sum is the caller's.
"""

# Shapes: B batch, C features, H W height and width.

from torch import Tensor

from srkit.layers.attention import create_attention
from srkit.layers.attention.bridge import BridgeGate
from srkit.layers.convolution import convolution
from srkit.layers.layer import Layer, chained


class BridgeBlock(Layer):
    """Add to the features two 3x3 convolutions of them, gated by the means of both.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 2 and half of the window, and the attention's; without a window the whole
        image.
    """

    def __init__(
        self,
        features: int,
        attention: str,
        *,
        window: int | None = None,
        norm: str = "none",
        gate_norm: str = "ln",
        slope: float = 0.1,
    ) -> None:
        super().__init__()
        self.first = convolution(features, features, 3, norm=norm, slope=slope)
        self.second = convolution(features, features, 3, norm=norm)
        self.bridge = BridgeGate((features, features), features, window=window, norm=gate_norm)
        self.attend = create_attention(attention, features, window=window)
        self.receptive_field = chained(
            (2, self.bridge.receptive_field, self.attend.receptive_field)
        )
        self.size_multiple = self.attend.size_multiple

    def forward(self, x_BCHW: Tensor) -> Tensor:
        first_BCHW = self.first(x_BCHW)
        second_BCHW = self.second(first_BCHW)
        change_BCHW = second_BCHW * self.bridge((first_BCHW, second_BCHW))
        return x_BCHW + self.attend(change_BCHW)
