"""MS-LapSRN: LapSRN with one set of weights for all octaves, and recursion inside them.

Lai et al., "Fast and Accurate Image Super-Resolution with Deep Laplacian Pyramid Networks", TPAMI
2018, https://arxiv.org/abs/1710.01992. A block of D convolutions is applied R times in each octave,
and what the octave started from is added to each result (the paper's source skip, SS). Neither R
nor the scale changes the weights, so they can be carried to another scale. The paper trains all
scales at once; here the octaves of one scale, each of which can have its own loss, share the
weights. It enlarges the luma alone (`image_channels=1`). srkit starts from bilinear interpolation:
the convolution that gives the details gives zeros at first.
"""

# Shapes: B batch, K image channels, H W size of the LR image, s scale.

from dataclasses import dataclass

from torch import Tensor, nn

from srkit.layers.bilinear import LearnedDoubling
from srkit.layers.initialisation import initialise, silence
from srkit.models.checks import require_positive
from srkit.models.lapsrn import (
    SLOPE,
    ProgressiveConfig,
    ProgressiveModel,
    doubling_convolution,
    progressive_field,
)


@dataclass(frozen=True, kw_only=True)
class MSLapSRNConfig(ProgressiveConfig):
    """What it takes to build the network again; stored inside its checkpoint."""

    convolutions: int = 5
    """Of the block that is repeated (D)."""
    recursions: int = 8
    """How often it is applied in each octave (R)."""


class MSLapSRN(ProgressiveModel):
    """Enlarge an image an octave at a time, all octaves with the same weights.

    Shape: (B, K, H, W) in [0, 1], any H and W >= 1 -> (B, K, s*H, s*W), not clamped.
    Receptive field: stated by `receptive_field`, in LR pixels.
    Raises: ConfigError for a scale that is not 2, 4 or 8, and for a number below one.
    """

    def __init__(self, config: MSLapSRNConfig) -> None:
        super().__init__(config)
        require_positive(config, "convolutions", "recursions")
        channels, features = config.image_channels, config.features
        self.enter = nn.Conv2d(channels, features, 3, padding=1)
        self.block = nn.Sequential()
        for _ in range(config.convolutions):
            self.block.append(nn.LeakyReLU(SLOPE))
            self.block.append(nn.Conv2d(features, features, 3, padding=1))
        self.spread = nn.Sequential(nn.LeakyReLU(SLOPE), doubling_convolution(features, bias=True))
        self.detail = nn.Conv2d(features, channels, 3, padding=1)
        initialise(self, slope=SLOPE)
        silence(self.detail)
        self.enlarge = LearnedDoubling(channels)
        self.receptive_field = progressive_field(
            self.count, config.convolutions * config.recursions
        )

    def progress(self, lr_BKHW: Tensor) -> list[Tensor]:
        """Give the image after each octave."""
        features, image = self.enter(lr_BKHW), lr_BKHW
        images = []
        for _ in range(self.count):
            source = features
            for _ in range(self.config.recursions):
                features = self.block(features) + source
            features = self.spread(features)
            image = self.enlarge(image) + self.detail(features)
            images.append(image)
        return images
