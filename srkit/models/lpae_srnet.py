"""SRNet, the network that the LPAE paper predicts approximation and details with.

Han et al., "LPAE: Laplacian Pyramid-like Autoencoder", SAI 2022, https://arxiv.org/abs/2208.12484;
it follows Huang et al., "Wavelet-SRNet: A Wavelet-Based CNN for Multi-scale Face Super Resolution",
ICCV 2017. Residual blocks of growing width at the LR image's size, and one head for the
approximation and for each octave's details, which LPAE's frozen decoder turns into the image. This
is the form without batch normalisation, which the paper uses for photographs.
The network is given the LR image twice, once with noise. In srkit the noise is drawn only while
training, from torch's generator, and is 0 by default: an image has one enlargement.
"""

# Shapes: B batch, C features, K image channels, H W size of the LR image, s scale.

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.models.checks import require_positive
from srkit.models.lpsr import LPSR, Prediction

WIDENINGS = 3


@dataclass(frozen=True, kw_only=True)
class LPAESRNetConfig:
    """What it takes to build the network again; stored inside its checkpoint."""

    scale: int = 2
    """Enlargement: 2, 4 or 8."""
    image_channels: int = 3
    """Colours, or bands, of an image."""
    features: int = 128
    """Channels of the first blocks; then they double three times."""
    blocks: int = 2
    """Blocks of each of the four widths."""
    noise: float = 0.0
    """Standard deviation of the noise on the second copy of the image; 0.1 in the paper."""
    lpae_hidden: int = 16
    """`hidden` of the LPAE inside it."""


class WideningBlock(nn.Module):
    """Add two convolutions to the features, of which a pixelwise one makes as many, if need be.

    Shape: (B, C, H, W) -> (B, C', H, W).
    """

    def __init__(self, features: int, out_features: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(features, out_features, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(out_features, out_features, 3, padding=1),
        )
        same = features == out_features
        self.skip = nn.Identity() if same else nn.Conv2d(features, out_features, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return torch.relu(self.skip(x_BCHW) + self.change(x_BCHW))


class LPAESRNet(LPSR):
    """Predict with residual blocks of growing width.

    Receptive field: stated by `receptive_field`, in LR pixels.
    Raises: ConfigError for a scale that is not 2, 4 or 8, features that cannot be quartered, and
        a number below one, or noise that is not 0 or more.
    """

    size_multiple = 1

    def __init__(self, config: LPAESRNetConfig) -> None:
        require_positive(config, "image_channels", "features", "blocks", "lpae_hidden")
        features, channels = config.features, config.image_channels
        if features % 4:
            raise ConfigError(f"features must be a multiple of 4, got {features}")
        if not 0 <= config.noise < math.inf:
            raise ConfigError(f"noise must be at least 0 and finite, got {config.noise}")
        super().__init__(
            scale=config.scale, image_channels=channels, lpae_hidden=config.lpae_hidden
        )
        self.config = config
        self.body = nn.Sequential(nn.Conv2d(2 * channels, features, 3, padding=1))
        width = features
        for doubling in range(WIDENINGS + 1):
            for _ in range(config.blocks):
                self.body.append(WideningBlock(width, features * 2**doubling))
                width = features * 2**doubling
        thin, thick = features // 4, features // 2

        def head(*last: nn.Module) -> nn.Sequential:
            return nn.Sequential(WideningBlock(width, thin), WideningBlock(thin, thick), *last)

        self.approximation = head(nn.Conv2d(thick, channels, 3, padding=1))
        self.details = nn.ModuleList(  # fine to coarse
            head(*_enlargement(octave, thick, channels)) for octave in range(self.octaves, 0, -1)
        )
        # A convolution and the blocks; a head's two blocks and its last layer; the decoder.
        trunk = 1 + 2 * config.blocks * (WIDENINGS + 1)
        self.receptive_field = trunk + 2 * 2 + 1 + self.decoding_field

    def predict(self, lr_BKHW: Tensor) -> Prediction:
        """Predict the approximation and the details of the HR image."""
        second = lr_BKHW
        if self.training and self.config.noise:
            second = lr_BKHW + self.config.noise * torch.randn_like(lr_BKHW)
        features = self.body(torch.cat((lr_BKHW, second), dim=1))
        return Prediction(self.approximation(features), [head(features) for head in self.details])


def _enlargement(octave: int, features: int, channels: int) -> list[nn.Module]:
    """Build the layers that lead from LR features to the details 2, 4 or 8 times as large."""
    if octave == 1:
        return [nn.ConvTranspose2d(features, channels, 4, stride=2, padding=1)]
    if octave == 2:
        return [nn.ConvTranspose2d(features, channels, 6, stride=4, padding=1)]
    return [
        nn.ConvTranspose2d(features, features, 6, stride=4, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(features, channels, 4, stride=2, padding=1),
    ]
