"""LPSR: a network predicts what LPAE would make of the HR image, and LPAE's decoder does the rest.

The approximation at the LR image's size and one detail an octave are predicted; LPAE's decoder,
frozen, turns them into the image, an octave at a time, as in the super-resolution experiments of
"LPAE: Laplacian Pyramid-like Autoencoder", SAI 2022, https://arxiv.org/abs/2208.12484. Here the
predictor is srkit's entrance and body; the paper's, of 45 million parameters, is in
`srkit.models.lpae_srnet`. The approximation is predicted as a change of the LR image, and no noise
is added to the input.
"""

# Shapes: B batch, K image channels, C features, H W size of the LR image, s scale.

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.entrances import create_entrance
from srkit.layers.heads.octaves import octaves
from srkit.layers.stages import create_stage
from srkit.models.checks import require_positive, require_scale
from srkit.models.enlarger import Enlarger
from srkit.models.holding_lpae import HoldsLPAE
from srkit.models.lpae import LPAE, LPAEConfig
from srkit.transforms.padding import pad_to_multiple

SCALES = (2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class LPSRConfig:
    """What it takes to build the network again; stored inside its checkpoint."""

    scale: int = 2
    """Enlargement, a power of 2."""
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
    lpae_hidden: int = 16
    """`hidden` of the LPAE inside it."""
    stage: str = "plain"
    """How blocks are put together."""
    attention_window: int | None = None
    """Side, in the body's pixels, of what is pooled around each; None = the whole image."""
    border: int = 0
    """LR pixels of its mirror image that an image is continued by when it is enlarged."""
    antiring: float | None = None
    """How far a pixel of the enlarged image may leave the span of the 4 LR pixels around it, in
    lengths of that span; None = anywhere."""


class Prediction(NamedTuple):
    """What LPAE would make of the HR image, as the body sees it."""

    approximation: Tensor
    details: list[Tensor]  # fine to coarse, as `LPAE.decompose` gives them


class LPSR(Enlarger, HoldsLPAE):
    """Enlarge an image by decoding a predicted approximation and predicted details.

    The parent of those who can predict them.

    Shape: (B, K, H, W) in [0, 1], any H and W >= 1 -> (B, K, s*H, s*W), not clamped.
    Raises: ConfigError for a scale that is not 2, 4 or 8, and for a number below one.
    """

    what_it_does = "an LPSR decodes"
    stride = 1
    """Sides of the image that `predict` is given are multiples of this."""

    def __init__(
        self,
        *,
        scale: int,
        image_channels: int,
        lpae_hidden: int,
        border: int = 0,
        antiring: float | None = None,
    ) -> None:
        super().__init__(border=border, antiring=antiring)
        require_scale(scale, SCALES)
        self.scale = scale
        self.octaves = octaves(scale, "LPSR")
        self.image_channels = image_channels
        self.lpae = LPAE(
            LPAEConfig(image_channels=image_channels, hidden=lpae_hidden, levels=self.octaves)
        )
        self.lpae.requires_grad_(False)
        # The decoder reads 1 coarse and then 3 fine pixels an octave.
        self.decoding_field = math.ceil(
            sum((1 + 1.5) / 2**octave for octave in range(self.octaves))
        )

    def predict(self, lr_BKHW: Tensor) -> Prediction:
        """Predict the approximation and the details of the HR image."""
        raise NotImplementedError

    def enlarge(self, lr_BKHW: Tensor) -> Tensor:
        height, width = lr_BKHW.shape[-2:]
        # Left to the entrance, an odd side would end in features no training patch has shown.
        predicted = self.predict(pad_to_multiple(lr_BKHW, self.stride))
        enlarged = self.lpae.reconstruct(*predicted)
        return enlarged[..., : self.scale * height, : self.scale * width]


class BodyLPSR(LPSR):
    """Predict from the features of an entrance and a body.

    Receptive field: stated by `receptive_field`, in LR pixels; None = the whole image.
    Raises: ConfigError for a name, a width or a scale that cannot be built.
    """

    def __init__(self, config: LPSRConfig) -> None:
        require_positive(
            config, "image_channels", "features", "blocks", "lpae_hidden", "attention_window"
        )
        channels = config.image_channels
        super().__init__(
            scale=config.scale,
            image_channels=channels,
            lpae_hidden=config.lpae_hidden,
            border=config.border,
            antiring=config.antiring,
        )
        self.config = config
        self.entrance = create_entrance(config.entrance, channels, config.features)
        self.stride = self.entrance.stride
        self.body = create_stage(
            config.stage,
            config.block,
            config.features,
            config.attention,
            count=config.blocks,
            window=config.attention_window,
        )
        exit_features = self.entrance.exit_features
        self.approximation = nn.Conv2d(exit_features, channels, 3, padding=1)
        self.details = nn.ModuleList(  # fine to coarse
            nn.Conv2d(exit_features, channels * 4**octave, 3, padding=1)
            for octave in range(self.octaves, 0, -1)
        )
        self.size_multiple = self.entrance.stride * self.body.size_multiple
        self.receptive_field = self._receptive_field()

    def _receptive_field(self) -> int | None:
        if self.body.receptive_field is None:
            return None
        # The heads read 1 LR pixel.
        body = self.body.receptive_field * self.entrance.stride
        return self.entrance.receptive_field + body + 1 + self.decoding_field

    def predict(self, lr_BKHW: Tensor) -> Prediction:
        """Predict the approximation and the details of the HR image."""
        size = (lr_BKHW.shape[-2], lr_BKHW.shape[-1])
        entered = self.entrance(lr_BKHW)
        features = self.entrance.leave(entered + self.body(entered), size)
        details = [
            F.pixel_shuffle(head(features), 2**octave)
            for octave, head in zip(range(self.octaves, 0, -1), self.details, strict=True)
        ]
        return Prediction(lr_BKHW + self.approximation(features), details)
