"""ResNet-50 as LPAE's classifiers have it.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
https://arxiv.org/abs/1512.03385, in the form of Han et al., "LPAE: Laplacian Pyramid-like
Autoencoder", SAI 2022, https://arxiv.org/abs/2208.12484: the third convolution and the shortcut are
added first and normalised together, the stem has neither normalisation nor activation, and
convolutions have biases. The stride is that of a block's first convolution.
"""

# Shapes: B batch, C channels, K image channels, S side, H W height and width.

import torch
from torch import Tensor, nn

from srkit.layers.backbones.backbone import Backbone

BLOCKS = (3, 4, 6, 3)
EXPANSION = 4


class ResNet50(Backbone):
    """Sixteen bottlenecks in four stages, and the mean over the image.

    Shape: (B, K, S, S) -> (B, outputs), any S >= 1.
    """

    def __init__(self, image_channels: int, features: int, side: int) -> None:
        super().__init__(image_channels, features, side)
        self.stem = nn.Sequential(
            nn.Conv2d(image_channels, features, 7, stride=2, padding=3),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.blocks = nn.Sequential()
        width = features
        for stage, count in enumerate(BLOCKS):
            for index in range(count):
                stride = 2 if index == 0 and stage > 0 else 1
                self.blocks.append(_Bottleneck(width, features * 2**stage, stride))
                width = EXPANSION * features * 2**stage
        self.outputs = width

    def forward(self, x_BKSS: Tensor) -> Tensor:
        return self.blocks(self.stem(x_BKSS)).mean(dim=(2, 3))


class _Bottleneck(nn.Module):
    """Shape: (B, C, H, W) -> (B, 4 * features, ceil(H / stride), ceil(W / stride))."""

    def __init__(self, channels: int, features: int, stride: int) -> None:
        super().__init__()
        out_channels = EXPANSION * features
        self.change = nn.Sequential(
            nn.Conv2d(channels, features, 1, stride=stride),
            nn.BatchNorm2d(features),
            nn.ReLU(inplace=True),
            nn.Conv2d(features, features, 3, padding=1),
            nn.BatchNorm2d(features),
            nn.ReLU(inplace=True),
            nn.Conv2d(features, out_channels, 1),
        )
        same = channels == out_channels and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels, out_channels, 1, stride)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return torch.relu(self.norm(self.shortcut(x_BCHW) + self.change(x_BCHW)))
