"""The Laplacian head: an octave at a time, each octave's detail added to the enlarged image.

Lai et al., "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution" (LapSRN),
CVPR 2017, https://arxiv.org/abs/1704.03915. The image branch uses the fixed expansion of the
Laplacian pyramid (Burt and Adelson, 1983) where LapSRN learns a transposed convolution, features
are enlarged by pixel shuffle, and each octave has half the features of the one before: fine
octaves hold most of the pixels.
"""

# Shapes: B batch, C features, K image channels, H W size of the LR image, s scale.

import math

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.heads.octaves import octaves
from srkit.layers.layer import Layer
from srkit.transforms.laplacian import expand

LEAST_FEATURES = 8


class LaplacianProgressiveHead(Layer):
    """Enlarge features and image by two, add a predicted detail, and again.

    Shape: features (B, C, H, W), lr (B, K, H, W) -> (B, K, s*H, s*W), not clamped.
    Receptive field: 2 LR pixels at scale 2, 3 at larger ones.
    Raises: ConfigError when the scale is not a power of two.
    """

    def __init__(self, features: int, image_channels: int, scale: int) -> None:
        super().__init__()
        count = octaves(scale, "the Laplacian head")
        widths = [max(features // 2**octave, LEAST_FEATURES) for octave in range(1, count + 1)]
        # Enlarging reads 1 pixel at each octave's coarse grid, the detail 1 at its fine grid; the
        # image's own expansion, which reads 2, reaches no further, because octaves alternate.
        self.receptive_field = math.ceil(sum(1.5 / 2**octave for octave in range(count)))
        self.enlarge = nn.ModuleList(
            nn.Conv2d(before, 4 * after, 3, padding=1)
            for before, after in zip([features, *widths], widths, strict=False)
        )
        self.detail = nn.ModuleList(
            nn.Conv2d(width, image_channels, 3, padding=1) for width in widths
        )
        self.activate = nn.LeakyReLU(0.1)

    def forward(self, features_BCHW: Tensor, lr_BKHW: Tensor) -> Tensor:
        features, image = features_BCHW, lr_BKHW
        for enlarge, detail in zip(self.enlarge, self.detail, strict=True):
            features = self.activate(F.pixel_shuffle(enlarge(features), 2))
            size = (2 * image.shape[-2], 2 * image.shape[-1])
            image = expand(image, size) + detail(features)
        return image
