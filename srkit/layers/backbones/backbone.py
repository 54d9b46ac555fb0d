"""What a classifier's backbone states of itself."""

from torch import nn


class Backbone(nn.Module):
    """Turn images of one size into vectors; built by (image_channels, features, side).

    `features` is the width of the first convolutions, on which all others depend.

    Shape: (B, K, S, S) -> (B, outputs).
    """

    outputs: int
    """Length of the vectors."""

    def __init__(self, image_channels: int, features: int, side: int) -> None:
        super().__init__()

    @staticmethod
    def create_head(inputs: int, classes: int) -> nn.Module:
        """Build what gives the classes' scores from vectors, by itself one linear layer.

        Shape: (B, inputs) -> (B, classes).
        """
        return nn.Linear(inputs, classes)
