"""The highway gate: a learned choice, pixel by pixel, between a layer and none.

Srivastava, Greff, Schmidhuber, "Highway Networks", ICML Deep Learning Workshop 2015,
https://arxiv.org/abs/1505.00387. Their layers are dense; here both are 3x3 convolutions. The gate's
bias starts negative, so that at first the input passes; the paper tries -1 to -3 and beyond.
"""

# Shapes: B batch, C channels, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention.attention import Attention


class HighwayGate(Attention):
    """Mix a convolution of the features with the features themselves.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 1.
    """

    category = "branch"
    receptive_field = 1

    def __init__(self, channels: int, *, gate_bias: float = -1.0) -> None:
        super().__init__(channels)
        self.transform = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate = nn.Conv2d(channels, channels, 3, padding=1)
        assert self.gate.bias is not None
        nn.init.constant_(self.gate.bias, gate_bias)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        gate_BCHW = self.gate(x_BCHW).sigmoid()
        mixed_BCHW: Tensor = gate_BCHW * self.transform(x_BCHW).relu() + (1 - gate_BCHW) * x_BCHW
        return mixed_BCHW
