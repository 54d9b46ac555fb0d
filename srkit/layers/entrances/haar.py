"""The Haar entrance: a thin convolution at full size, then a lossless halving by Haar.

Halving height and width while quadrupling channels loses nothing and buys the body four times
the parameters at the same time per pixel. Wave-ViT (Yao et al., ECCV 2022,
https://arxiv.org/abs/2207.04978) halves its keys and values this way, MWCNN (Liu et al., CVPR
Workshops 2018, https://arxiv.org/abs/1805.07071) its feature maps; here the transform stands only
at the two ends of the body, because repeated inside it would be bound by memory.
"""

# Shapes: B batch, K image channels, C features, H W height and width, h w half of them rounded up.

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.entrances.entrance import Entrance
from srkit.transforms.haar import Bands, haar, inverse_haar


class HaarEntrance(Entrance):
    """Turn image channels into features of half the size, and back.

    Shape: (B, K, H, W) -> (B, C, h, w); `leave`: (B, C, h, w) -> (B, C / 4, H, W).
    Receptive field: 2: one pixel of the convolution, one of the 2x2 grid of the transform.
    Raises: ConfigError when the features are not a multiple of four.
    """

    stride = 2
    receptive_field = 2

    def __init__(self, image_channels: int, features: int) -> None:
        super().__init__()
        if features % 4:
            raise ConfigError(
                f"features must be a multiple of 4 for the Haar entrance, got {features}"
            )
        self.exit_features = features // 4
        self.convolution = nn.Conv2d(image_channels, self.exit_features, 3, padding=1)

    def forward(self, x_BKHW: Tensor) -> Tensor:
        return torch.cat(haar(self.convolution(x_BKHW)), dim=1)

    def leave(self, features_BChw: Tensor, size: tuple[int, int]) -> Tensor:
        """Bring the features back to the image's size with the inverse transform."""
        return inverse_haar(Bands(*features_BChw.chunk(4, dim=1)), size)
