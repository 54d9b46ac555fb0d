"""No attention: the neutral entry of the slot."""

from torch import Tensor

from srkit.layers.layer import Layer


class NoAttention(Layer):
    """Give the input back.

    Shape: anything in, the same out.
    Receptive field: 0.
    """

    receptive_field = 0

    def __init__(self, channels: int) -> None:
        super().__init__()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW
