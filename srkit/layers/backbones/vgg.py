"""VGG16 with batch normalisation.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
ICLR 2015, https://arxiv.org/abs/1409.1556; batch normalisation as torchvision's `vgg16_bn` has it.
Any side from 16 pixels on: the last pooling pads an odd side by a pixel all around, so that
nothing is lost, as LPAE's classifier does it for its 7 x 7 features.
"""

# Shapes: B batch, K image channels, S side.

from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.backbones.backbone import Backbone

STAGES = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))
"""Widths of each stage's convolutions, in `features`."""
SMALLEST = 2 ** (len(STAGES) - 1)
HIDDEN = 4096


class VGG16(Backbone):
    """Thirteen convolutions in five stages, each halved at its end, and all that is left.

    Shape: (B, K, S, S) -> (B, outputs).
    Raises: ConfigError for a side below 16.
    """

    def __init__(self, image_channels: int, features: int, side: int) -> None:
        super().__init__(image_channels, features, side)
        if side < SMALLEST:
            raise ConfigError(f"vgg16 needs images of {SMALLEST} pixels or more a side, got {side}")
        self.layers = nn.Sequential()
        width = image_channels
        for index, stage in enumerate(STAGES, 1):
            for factor in stage:
                self.layers.append(nn.Conv2d(width, factor * features, 3, padding=1))
                width = factor * features
                self.layers.append(nn.BatchNorm2d(width))
                self.layers.append(nn.ReLU(inplace=True))
            padding = side % 2 if index == len(STAGES) else 0
            self.layers.append(nn.MaxPool2d(2, padding=padding))
            side = (side + 2 * padding) // 2
        self.outputs = width * side**2

    @staticmethod
    def create_head(inputs: int, classes: int) -> nn.Module:
        """Build the three linear layers of the paper."""
        return nn.Sequential(
            nn.Linear(inputs, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(HIDDEN, classes),
        )

    def forward(self, x_BKSS: Tensor) -> Tensor:
        return self.layers(x_BKSS).flatten(1)
