"""A backbone for small images, srkit's own: six convolutions, for which a CPU is enough."""

# Shapes: B batch, K image channels, S side.

from torch import Tensor, nn

from srkit.layers.backbones.backbone import Backbone

STAGES = (1, 2, 4)
"""Widths of the stages, in `features`."""


class SmallBackbone(Backbone):
    """Three stages of two convolutions, each halved at its end, and the mean over the image.

    Shape: (B, K, S, S) -> (B, outputs), any S >= 1.
    """

    def __init__(self, image_channels: int, features: int, side: int) -> None:
        super().__init__(image_channels, features, side)
        self.layers = nn.Sequential()
        width = image_channels
        for factor in STAGES:
            for _ in range(2):
                self.layers.append(nn.Conv2d(width, factor * features, 3, padding=1, bias=False))
                width = factor * features
                self.layers.append(nn.BatchNorm2d(width))
                self.layers.append(nn.ReLU(inplace=True))
            self.layers.append(nn.MaxPool2d(2, ceil_mode=True))
        self.outputs = width

    def forward(self, x_BKSS: Tensor) -> Tensor:
        return self.layers(x_BKSS).mean(dim=(2, 3))
