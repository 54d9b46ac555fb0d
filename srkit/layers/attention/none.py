"""No attention: the neutral entry of the slot."""

from torch import nn


class NoAttention(nn.Identity):
    """Give the input back.

    Shape: anything in, the same out.
    Receptive field: 0.
    """

    receptive_field = 0

    def __init__(self, channels: int) -> None:
        super().__init__()
