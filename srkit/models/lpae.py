"""LPAE, the Laplacian Pyramid-like Autoencoder.

Han et al., "LPAE: Laplacian Pyramid-like Autoencoder" (named "Laplacian Pyramid-like Autoencoder"
in the proceedings), SAI 2022, https://arxiv.org/abs/2208.12484. One encoder gives an approximation
of half the size, another a detail of the full size; a decoder enlarges the approximation, and the
detail is added. There is no activation anywhere: every map is affine. Further levels take the
approximation apart again with the same weights, as the paper does for larger scales.
srkit adds one thing: odd sides are extended by repeating the last row or column, and restored.
"""

# Shapes: B batch, K image channels, H W height and width, h w half of them rounded up.

from dataclasses import dataclass

from torch import Tensor, nn

from srkit.models.checks import require_positive
from srkit.models.model import Model
from srkit.transforms.padding import pad_to_multiple


@dataclass(frozen=True, kw_only=True)
class LPAEConfig:
    """What it takes to build the autoencoder again; stored inside its checkpoint."""

    image_channels: int = 3
    """Colours, or bands, of an image."""
    hidden: int = 16
    """Channels inside of the encoder and the decoders."""
    levels: int = 1
    """How often the approximation is taken apart again, by the same weights."""


class LPAE(Model):
    """Take an image apart into an approximation and details, and put it back together.

    Shape: (B, K, H, W) in [0, 1], any H and W >= 1 -> the same, reconstructed, not clamped.
    Receptive field: `receptive_field`, in pixels; it doubles with each level.
    Raises: ConfigError when a number of the configuration is below one.
    """

    scale = 1

    def __init__(self, config: LPAEConfig) -> None:
        super().__init__()
        require_positive(config, "image_channels", "hidden", "levels")
        self.config = config
        self.image_channels = channels = config.image_channels
        hidden = config.hidden
        self.approximation_encoder = _convolutions(channels, hidden, stride=2)
        self.detail_encoder = _convolutions(channels, hidden, stride=1)
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(channels, hidden, 4, stride=2, padding=1),
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.Conv2d(hidden, channels, 3, padding=1),
        )
        self.size_multiple = 2**config.levels
        self.receptive_field = self._receptive_field()
        self.apply(_initialise)

    def _receptive_field(self) -> int:
        # An output pixel reads 3 pixels of the decoder's last grid and 2 more of its first, 4 of
        # the encoder's, and what lies between them happens on a grid twice as coarse.
        return sum((3 + 2 + 4) * 2**level for level in range(self.config.levels))

    def decompose(self, x_BKHW: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Give the approximation of the last level and the details, fine to coarse.

        Shape: (B, K, H, W) -> (B, K, h, w) at the last level, and each level's own size.
        """
        details = []
        approximation = x_BKHW
        for _ in range(self.config.levels):
            approximation, detail = self.encode(approximation)
            details.append(detail)
        return approximation, details

    def encode(self, x_BKHW: Tensor) -> tuple[Tensor, Tensor]:
        """Take one level apart.

        Shape: (B, K, H, W) -> approximation (B, K, h, w), detail (B, K, H, W).
        """
        height, width = x_BKHW.shape[-2:]
        even = pad_to_multiple(x_BKHW, 2)
        return self.approximation_encoder(even), self.detail_encoder(even)[..., :height, :width]

    def reconstruct(self, approximation: Tensor, details: list[Tensor]) -> Tensor:
        """Put the image back together; the details say the size of each level.

        Shape: what `decompose` gives -> (B, K, H, W).
        """
        image = approximation
        for detail in reversed(details):
            height, width = detail.shape[-2:]
            image = self.decoder(image)[..., :height, :width] + detail
        return image

    def forward(self, x_BKHW: Tensor) -> Tensor:
        return self.reconstruct(*self.decompose(x_BKHW))


def _convolutions(channels: int, hidden: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 3, padding=1),
        nn.Conv2d(hidden, hidden, 3, padding=1),
        nn.Conv2d(hidden, hidden, 3, padding=1),
        nn.Conv2d(hidden, channels, 3, stride=stride, padding=1),
    )


def _initialise(module: nn.Module) -> None:
    # The reference code's: Xavier-uniform weights and biases of 0.01.
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.xavier_uniform_(module.weight)
        assert module.bias is not None
        nn.init.constant_(module.bias, 0.01)
