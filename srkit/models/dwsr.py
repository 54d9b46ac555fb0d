"""DWSR, Deep Wavelet prediction for image Super-Resolution.

Guo et al., "Deep Wavelet Prediction for Image Super-resolution", CVPR Workshops 2017,
https://openaccess.thecvf.com/content_cvpr_2017_workshops/w12/html/Guo_Deep_Wavelet_Prediction_CVPR_2017_paper.html.
The image is enlarged by bicubic interpolation; a chain of convolutions predicts what its four Haar
bands lack, and the transform is inverted. The paper enlarges the luma alone (`image_channels=1`),
and the chroma by interpolation; srkit's networks are given all three colours. srkit starts from
the bicubic enlargement: the last convolution gives zeros at first.
"""

# Shapes: B batch, K image channels, H W size of the LR image, s scale, h w half of s*H, s*W.

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.bicubic import BicubicEnlargement
from srkit.layers.initialisation import initialise, silence
from srkit.models.checks import require_positive, require_scale
from srkit.models.model import Model
from srkit.transforms.haar import Bands, haar, inverse_haar

SCALES = (2, 3, 4, 8)


@dataclass(frozen=True, kw_only=True)
class DWSRConfig:
    """What it takes to build the network again; stored inside its checkpoint."""

    scale: int = 4
    """Enlargement: 2, 3, 4 or 8."""
    image_channels: int = 3
    """Colours, or bands, of an image; 1 in the paper."""
    features: int = 64
    """Channels of the convolutions."""
    convolutions: int = 10
    """Those between the first and the last."""
    first_kernel_size: int = 3
    """Side of the first convolution's kernel."""


class DWSR(Model):
    """Enlarge an image by correcting the Haar bands of its bicubic enlargement.

    Shape: (B, K, H, W) in [0, 1], any H and W >= 1 -> (B, K, s*H, s*W), not clamped.
    Receptive field: stated by `receptive_field`, in LR pixels.
    Raises: ConfigError for a scale, a width or a kernel that cannot be built.
    """

    def __init__(self, config: DWSRConfig) -> None:
        super().__init__()
        require_scale(config.scale, SCALES)
        require_positive(config, "image_channels", "features", "convolutions", "first_kernel_size")
        if config.first_kernel_size % 2 == 0:
            raise ConfigError(f"first_kernel_size must be odd, got {config.first_kernel_size}")
        self.config = config
        self.scale = config.scale
        self.image_channels = config.image_channels
        bands, features, first = (
            4 * config.image_channels,
            config.features,
            config.first_kernel_size,
        )
        last = nn.Conv2d(features, bands, 3, padding=1)
        self.enlarge = BicubicEnlargement(config.scale)
        self.predict = nn.Sequential(
            nn.Conv2d(bands, features, first, padding=first // 2), nn.ReLU()
        )
        for _ in range(config.convolutions):
            self.predict.extend([nn.Conv2d(features, features, 3, padding=1), nn.ReLU()])
        self.predict.append(last)
        initialise(self.predict)
        silence(last)
        # A position of the bands is a block of 2 x 2 pixels of the enlarged image.
        positions = first // 2 + config.convolutions + 1
        reach = math.ceil((2 * positions + 1) / self.scale)
        self.receptive_field = reach + self.enlarge.receptive_field
        self.size_multiple = 2 // math.gcd(2, self.scale)

    def forward(self, lr_BKHW: Tensor) -> Tensor:
        enlarged = self.enlarge(lr_BKHW)
        bands_BKhw = torch.cat(haar(enlarged), dim=1)
        corrected = bands_BKhw + self.predict(bands_BKhw)
        return inverse_haar(
            Bands(*corrected.chunk(4, dim=1)), (enlarged.shape[-2], enlarged.shape[-1])
        )
