"""MWCNN, the Multi-level Wavelet CNN: a U-net whose ways down and up are Haar transforms.

Liu et al., "Multi-level Wavelet-CNN for Image Restoration", CVPR Workshops 2018,
https://arxiv.org/abs/1805.07071; without the batch normalisation that the paper trains with, which
its successor has no more: Liu et al., "Multi-Level Wavelet Convolutional Neural Networks", IEEE
Access 2019, https://arxiv.org/abs/1907.03128 (`full_size`, `dilated`). The network corrects the
bicubic enlargement, the papers' of the luma alone (`image_channels=1`). srkit starts from that
enlargement: the last convolution gives zeros at first.

Convention
    Channels that stand for bands are ordered as everywhere in srkit: approximation, horizontal,
    vertical, diagonal. The authors' code has approximation, minus vertical, minus horizontal,
    diagonal, and a ReLU before the inverse, where signs matter: this is their network for images
    upside down, with kernels turned by 180 degrees and these channels exchanged.
"""

# Shapes: B batch, C channels, F features, K image channels, H W height and width, s scale.

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from srkit.layers.bicubic import BicubicEnlargement
from srkit.layers.dilated import DilatedConv2d
from srkit.layers.initialisation import initialise, silence
from srkit.models.checks import require_positive, require_scale
from srkit.models.model import Model
from srkit.transforms.haar import Bands, haar, inverse_haar
from srkit.transforms.padding import pad_to_multiple

SCALES = (2, 3, 4, 8)


@dataclass(frozen=True, kw_only=True)
class MWCNNConfig:
    """What it takes to build the network again; stored inside its checkpoint."""

    scale: int = 4
    """Enlargement: 2, 3, 4 or 8."""
    image_channels: int = 3
    """Colours, or bands, of an image; 1 in the paper."""
    features: int = 160
    """Channels of the finest level; every coarser one has twice as many as the one before."""
    most_features: int = 256
    """What no level has more of."""
    levels: int = 3
    """Haar transforms on the way down."""
    convolutions: int = 4
    """Of every level, on the way down, and again on the way up."""
    full_size: bool = False
    """A level more, at the enlarged image's own size."""
    dilated: bool = False
    """Spread a level's inner kernels by 2 and 1, those of the coarsest by 2 and 3."""


class Level(nn.Module):
    """Convolutions, the coarser levels added to what they gave, and convolutions again.

    Shape: (B, C, H, W) -> the same; between a Haar transform and its inverse, if it is `halved`.
    """

    def __init__(
        self,
        channels: int,
        widths: Sequence[int],
        *,
        convolutions: int,
        dilated: bool,
        halved: bool = True,
        outermost: bool = False,
    ) -> None:
        super().__init__()
        self.halved = halved
        outside, inside = (4 * channels if halved else channels), widths[0]
        inner = convolutions - 1
        down = up = [1] * inner
        if dilated and len(widths) > 1:
            down = up = [2 - place % 2 for place in range(inner)]
        elif dilated:
            down = [2 + place for place in range(inner)]
            up = down[::-1]
        self.radius = 2 + sum(down) + sum(up)
        """Of all the convolutions here, in positions of this level."""
        self.contract = _chain([outside, *[inside] * convolutions], [1, *down])
        self.coarser = (
            Level(inside, widths[1:], convolutions=convolutions, dilated=dilated)
            if len(widths) > 1
            else None
        )
        self.expand = _chain([*[inside] * convolutions, outside], [*up, 1])
        if outermost:  # gives what is added to the image, of either sign
            self.expand.pop(-1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        features_BFHW = self.contract(torch.cat(haar(x_BCHW), dim=1) if self.halved else x_BCHW)
        if self.coarser is not None:
            features_BFHW = features_BFHW + self.coarser(features_BFHW)
        expanded: Tensor = self.expand(features_BFHW)
        if not self.halved:
            return expanded
        size = (x_BCHW.shape[-2], x_BCHW.shape[-1])
        return inverse_haar(Bands(*expanded.chunk(4, dim=1)), size)


class MWCNN(Model):
    """Enlarge an image by correcting its bicubic enlargement.

    Shape: (B, K, H, W) in [0, 1], any H and W >= 1 -> (B, K, s*H, s*W), not clamped.
    Receptive field: stated by `receptive_field`, in LR pixels.
    Raises: ConfigError for a scale or a number that cannot be built.
    """

    def __init__(self, config: MWCNNConfig) -> None:
        super().__init__()
        require_scale(config.scale, SCALES)
        require_positive(
            config, "image_channels", "features", "most_features", "levels", "convolutions"
        )
        self.config = config
        self.scale = config.scale
        self.image_channels = config.image_channels
        self.enlarge = BicubicEnlargement(config.scale)
        count = config.levels + config.full_size
        self.correct = Level(
            config.image_channels,
            [min(config.features * 2**level, config.most_features) for level in range(count)],
            convolutions=config.convolutions,
            dilated=config.dilated,
            halved=not config.full_size,
            outermost=True,
        )
        initialise(self.correct)
        last = self.correct.expand[-1]
        assert isinstance(last, nn.Conv2d)
        silence(last)
        self.grid = 2**config.levels
        self.size_multiple = self.grid // math.gcd(self.grid, self.scale)
        self.receptive_field = self._receptive_field()

    def _receptive_field(self) -> int:
        # An output pixel may lie anywhere in its cell of the coarsest grid.
        pixels = self.grid - 1
        side = 2 if self.correct.halved else 1
        level: Level | None = self.correct
        while level is not None:
            pixels += side * level.radius
            level, side = level.coarser, 2 * side
        return math.ceil(pixels / self.scale) + self.enlarge.receptive_field

    def forward(self, lr_BKHW: Tensor) -> Tensor:
        enlarged = self.enlarge(lr_BKHW)
        height, width = enlarged.shape[-2:]
        whole = pad_to_multiple(enlarged, self.grid)
        corrected: Tensor = whole + self.correct(whole)
        return corrected[..., :height, :width]


def _chain(widths: Sequence[int], dilations: Sequence[int]) -> nn.Sequential:
    """Build 3x3 convolutions from each width to the next, a ReLU behind each."""
    chain = nn.Sequential()
    for before, after, dilation in zip(widths[:-1], widths[1:], dilations, strict=True):
        kind = nn.Conv2d if dilation == 1 else DilatedConv2d
        chain.append(kind(before, after, 3, padding=dilation, dilation=dilation))
        chain.append(nn.ReLU())
    return chain
