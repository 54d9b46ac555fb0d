"""The three-slot super-resolution network: entrance -> body -> head.

Each slot is a name from its family, so any combination can be built, trained and compared:
`srkit.layers.entrances`; a stage (`.stages`) of `.blocks` with `.attention` inside them, all in one
long skip connection; `.heads`. With the Haar entrance and the pixel-shuffle or wavelet head it is
srkit's own Haar-domain network, *lapwave*.
"""

# Shapes: B batch, K image channels, C features, H W size of the LR image, s scale.

from dataclasses import dataclass

from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.collapsible import over_parametrise
from srkit.layers.entrances import create_entrance
from srkit.layers.heads import create_head
from srkit.layers.stages import create_stage
from srkit.models.checks import require_positive, require_scale
from srkit.models.enlarger import Enlarger
from srkit.transforms.padding import pad_to_multiple

SCALES = (2, 3, 4, 8)


@dataclass(frozen=True, kw_only=True)
class SRNetworkConfig:
    """What it takes to build the network again; stored inside its checkpoint."""

    scale: int = 4
    """Enlargement: 2, 3, 4 or 8."""
    image_channels: int = 3
    """Colours, or bands, of an image."""
    features: int = 64
    """Channels of the body."""
    blocks: int = 4
    """Blocks in the body, one after the other."""
    entrance: str = "haar"
    """What makes features of the image."""
    block: str = "residual"
    """What the body is built of."""
    attention: str = "none"
    """What weighs features inside of blocks."""
    head: str = "pixel_shuffle"
    """What makes the enlarged image of features."""
    stage: str = "plain"
    """How blocks are put together."""
    attention_every: int = 1
    """The attention is in every so many blocks: 2 = in the second, the fourth, ..."""
    attention_window: int | None = None
    """Side, in the body's pixels, of what is pooled around each; None = the whole image."""
    border: int = 0
    """LR pixels of its mirror image that an image is continued by when it is enlarged."""
    antiring: float | None = None
    """How far a pixel of the enlarged image may leave the span of the 4 LR pixels around it, in
    lengths of that span; None = anywhere."""
    expansion: int = 0
    """Channels that convolutions are over-parametrised with while they are trained; 0 = not."""


class SRNetwork(Enlarger):
    """Enlarge an image by the configured scale.

    Shape: (B, K, H, W) in [0, 1], any H and W >= 1 -> (B, K, s*H, s*W), not clamped.
    Receptive field: stated by `receptive_field`, in LR pixels; None = the whole image.
    Raises: ConfigError for a name, a width or a scale that cannot be built.
    """

    def __init__(self, config: SRNetworkConfig) -> None:
        super().__init__(border=config.border, antiring=config.antiring)
        require_scale(config.scale, SCALES)
        require_positive(config, "image_channels", "features", "blocks")
        require_positive(config, "attention_every", "attention_window")
        if config.expansion < 0:
            raise ConfigError(f"expansion must be at least 0, got {config.expansion}")
        self.config = config
        self.scale = config.scale
        self.image_channels = config.image_channels
        self.entrance = create_entrance(config.entrance, config.image_channels, config.features)
        self.body = create_stage(
            config.stage,
            config.block,
            config.features,
            config.attention,
            count=config.blocks,
            every=config.attention_every,
            window=config.attention_window,
        )
        self.head = create_head(
            config.head, self.entrance.exit_features, config.image_channels, config.scale
        )
        if config.expansion:
            over_parametrise(self, config.expansion)
        self.size_multiple = self.entrance.stride * self.body.size_multiple
        self.receptive_field = self._receptive_field()

    def _receptive_field(self) -> int | None:
        body, head = self.body.receptive_field, self.head.receptive_field
        if body is None or head is None:
            return None
        return self.entrance.receptive_field + body * self.entrance.stride + head

    def enlarge(self, lr_BKHW: Tensor) -> Tensor:
        height, width = lr_BKHW.shape[-2:]
        # Left to the entrance, an odd side would end in features no training patch has shown.
        lr = pad_to_multiple(lr_BKHW, self.entrance.stride)
        size = (lr.shape[-2], lr.shape[-1])
        entered = self.entrance(lr)
        features = self.entrance.leave(entered + self.body(entered), size)
        enlarged: Tensor = self.head(features, lr)
        return enlarged[..., : self.scale * height, : self.scale * width]
