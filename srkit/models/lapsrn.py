"""LapSRN, the Laplacian Pyramid Super-Resolution Network.

Lai et al., "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution", CVPR 2017,
https://arxiv.org/abs/1704.03915. Features and image are enlarged an octave at a time; in each, a
chain of convolutions finds the detail that the enlarged image lacks. Every octave's image can be
compared with a shrunk HR image while training. The paper enlarges the luma alone
(`image_channels=1`); it has no biases as its parameters are counted. srkit starts from bilinear
interpolation: the convolutions that give the details give zeros at first.
"""

# Shapes: B batch, C features, K image channels, H W size of an octave's input, s scale.

from dataclasses import dataclass

from torch import Tensor, nn

from srkit.layers.bilinear import LearnedDoubling
from srkit.layers.initialisation import initialise, silence
from srkit.models.checks import require_positive, require_scale
from srkit.models.model import Model

SCALES = (2, 4, 8)
SLOPE = 0.2


@dataclass(frozen=True, kw_only=True)
class ProgressiveConfig:
    """What the configurations of networks that enlarge an octave at a time have."""

    scale: int = 4
    """Enlargement: 2, 4 or 8."""
    image_channels: int = 3
    """Colours, or bands, of an image; 1 in the paper."""
    features: int = 64
    """Channels of the convolutions."""


class ProgressiveModel(Model):
    """A network that enlarges an octave at a time, and can be asked for every octave.

    Raises: ConfigError for a scale that is not 2, 4 or 8, and for a number below one.
    """

    size_multiple = 1

    def __init__(self, config: ProgressiveConfig) -> None:
        super().__init__()
        require_scale(config.scale, SCALES)
        require_positive(config, "image_channels", "features")
        self.config = config
        self.scale = config.scale
        self.image_channels = config.image_channels
        self.count = config.scale.bit_length() - 1

    def progress(self, lr_BKHW: Tensor) -> list[Tensor]:
        """Give the image at 2, 4, ... times its size, up to the scale.

        Shape: (B, K, H, W) in [0, 1] -> (B, K, 2H, 2W), (B, K, 4H, 4W), ..., not clamped.
        """
        raise NotImplementedError

    def forward(self, lr_BKHW: Tensor) -> Tensor:
        return self.progress(lr_BKHW)[-1]


def progressive_field(octaves: int, radius: int) -> int:
    """Give the receptive field of such a network, whose features take `radius` in each octave."""
    field = 1  # of the convolution that gives the detail, in fine pixels
    for _ in range(octaves):
        # A doubling reads the pixel itself and one beside it.
        field = field // 2 + 1 + radius
    return field + 1  # of the first convolution


@dataclass(frozen=True, kw_only=True)
class LapSRNConfig(ProgressiveConfig):
    """What it takes to build the network again; stored inside its checkpoint."""

    convolutions: int = 10
    """Those of each octave, before the one that enlarges."""


class Octave(nn.Module):
    """Double the features and the image, and add the detail that the features give.

    Shape: features (B, C, H, W), image (B, K, H, W) -> both with twice the height and width.
    """

    def __init__(self, features: int, channels: int, convolutions: int) -> None:
        super().__init__()
        self.embed = nn.Sequential()
        for _ in range(convolutions):
            self.embed.append(nn.Conv2d(features, features, 3, padding=1, bias=False))
            self.embed.append(nn.LeakyReLU(SLOPE))
        self.embed.append(doubling_convolution(features, bias=False))
        self.embed.append(nn.LeakyReLU(SLOPE))
        self.detail = nn.Conv2d(features, channels, 3, padding=1, bias=False)
        initialise(self, slope=SLOPE)
        silence(self.detail)
        self.enlarge = LearnedDoubling(channels)

    def forward(self, features_BCHW: Tensor, image_BKHW: Tensor) -> tuple[Tensor, Tensor]:
        features = self.embed(features_BCHW)
        return features, self.enlarge(image_BKHW) + self.detail(features)


class LapSRN(ProgressiveModel):
    """Enlarge an image an octave at a time, each octave with weights of its own.

    Shape: (B, K, H, W) in [0, 1], any H and W >= 1 -> (B, K, s*H, s*W), not clamped.
    Receptive field: stated by `receptive_field`, in LR pixels.
    Raises: ConfigError for a scale that is not 2, 4 or 8, and for a number below one.
    """

    def __init__(self, config: LapSRNConfig) -> None:
        super().__init__(config)
        require_positive(config, "convolutions")
        channels, features = config.image_channels, config.features
        self.enter = nn.Sequential(
            nn.Conv2d(channels, features, 3, padding=1, bias=False), nn.LeakyReLU(SLOPE)
        )
        initialise(self.enter, slope=SLOPE)
        self.octaves = nn.ModuleList(
            Octave(features, channels, config.convolutions) for _ in range(self.count)
        )
        self.receptive_field = progressive_field(self.count, config.convolutions)

    def progress(self, lr_BKHW: Tensor) -> list[Tensor]:
        """Give the image after each octave."""
        features, image = self.enter(lr_BKHW), lr_BKHW
        images = []
        for octave in self.octaves:
            features, image = octave(features, image)
            images.append(image)
        return images


def doubling_convolution(features: int, *, bias: bool) -> nn.ConvTranspose2d:
    """Build the 3x3 transposed convolution that doubles height and width of features."""
    return nn.ConvTranspose2d(
        features, features, 3, stride=2, padding=1, output_padding=1, bias=bias
    )
