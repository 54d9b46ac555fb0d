"""No attention: the neutral entry of the slot."""

from torch import Tensor

from srkit.layers.attention.attention import Attention


class NoAttention(Attention):
    """Give the input back.

    Shape: anything in, the same out.
    Receptive field: 0.
    """

    category = "channel"
    gain_at_init = 1.0
    receptive_field = 0

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW
