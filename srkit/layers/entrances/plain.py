"""The plain entrance: one convolution at the image's own size (SRCNN, EDSR and most others)."""

# Shapes: B batch, K image channels, C features, H W height and width.

from torch import Tensor, nn

from srkit.layers.entrances.entrance import Entrance


class PlainEntrance(Entrance):
    """Turn image channels into features with a 3x3 convolution.

    Shape: (B, K, H, W) -> (B, C, H, W).
    Receptive field: 1.
    """

    stride = 1
    receptive_field = 1

    def __init__(self, image_channels: int, features: int) -> None:
        super().__init__()
        self.exit_features = features
        self.convolution = nn.Conv2d(image_channels, features, 3, padding=1)

    def forward(self, x_BKHW: Tensor) -> Tensor:
        entered: Tensor = self.convolution(x_BKHW)
        return entered

    def leave(self, features_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
        """Give the features back: they have the image's size already."""
        return features_BCHW
