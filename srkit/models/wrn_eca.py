"""WRN-ECA, a scaled wide residual network with channel attention, for images of many bands.

Papoutsis et al., "Benchmarking and scaling of deep learning models for land cover image
classification", ISPRS Journal 195, 2023, https://arxiv.org/abs/2111.09451: wide residual networks
(Zagoruyko and Komodakis, BMVC 2016, https://arxiv.org/abs/1605.07146) with efficient channel
attention (https://arxiv.org/abs/1910.03151), sized by compound scaling.
The factors of their WRN-B4-ECA are those of the published configuration, depth 1.4 and width 1.8;
EfficientNet-B4 has them the other way round, and that reading is `wrn-b4-eca-dw`.
As published, convolutions pad as Keras does, attention has a bias, and the last map is pooled by
whole windows of 8 x 8 only, so that of its 23 x 23 pixels the last 7 rows and columns do not count;
`pooling="global"` counts them all. Bands are standardised inside of the network, which makes the
training images' statistics part of its weights. It gives scores; a sigmoid makes probabilities.
"""

# Shapes: B batch, C channels, K image channels, S side of the images, H W height and width,
# N classes.

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.efficient_channel import EfficientChannelAttention
from srkit.layers.same_padding import SameConvolution
from srkit.layers.standardisation import Standardisation
from srkit.models.checks import require_positive
from srkit.models.classifier import Classifier, ClassifierConfig
from srkit.models.compound_scaling import compound_scaling

STEM = 16
WINDOW = 8
POOLINGS = ("windows", "global")
DROPPED = 0.1
SMALLEST = 4 * (WINDOW - 1) + 1
"""Side of the smallest image whose last map holds a window."""


@dataclass(frozen=True, kw_only=True)
class WRNECAConfig(ClassifierConfig):
    """What it takes to build the classifier again; stored inside its checkpoint."""

    phi: float = 1.0
    """How many steps of scaling; 0 is the smallest network."""
    depth: float = 1.4
    """Factor of the depth a step."""
    width: float = 1.8
    """Factor of the width a step."""
    resolution: float = 1.4
    """Factor of the images' side a step."""
    image_size: int | None = None
    """Side of the square that images are resized to; None = as scaled, 90 for B4."""
    pooling: str = "windows"
    """What becomes of the last map: whole windows of 8 x 8 pixels count, or, global, all of it."""


class WRNECA(Classifier):
    """Three stages of residual blocks, each ending in channel attention.

    Shape: (B, K, S, S) in [0, 1] -> (B, N).
    Raises: ConfigError as Classifier and `compound_scaling`, for an unknown pooling and images too
        small for it.
    """

    config: WRNECAConfig

    def __init__(self, config: WRNECAConfig) -> None:
        super().__init__(config)
        require_positive(config, "image_channels", "image_size")
        if config.pooling not in POOLINGS:
            raise ConfigError(
                f"unknown pooling {config.pooling!r}: choose one of {', '.join(POOLINGS)}"
            )
        scaled = compound_scaling(
            config.phi, depth=config.depth, width=config.width, resolution=config.resolution
        )
        self.image_size = config.image_size or scaled.image_size
        if config.pooling == "windows" and self.image_size < SMALLEST:
            raise ConfigError(
                f"image_size must be at least {SMALLEST} to be pooled in windows, "
                f"got {self.image_size}",
                hint="network_g.pooling=global takes any",
            )
        self.standardisation = Standardisation(config.image_channels)
        self.stem = nn.Sequential(
            SameConvolution(config.image_channels, STEM, 3), _norm(STEM), nn.ReLU(inplace=True)
        )
        self.stages = nn.Sequential()
        before = STEM
        for index, width in enumerate(scaled.widths):
            self.stages.append(_Widening(before, width, stride=1 if index == 0 else 2))
            self.stages.extend(_PreActivation(width) for _ in range(scaled.blocks - 1))
            self.stages.append(nn.Sequential(_norm(width), nn.ReLU(inplace=True)))
            before = width
        self.head = nn.Linear(before, len(config.classes))
        for module in self.modules():
            if isinstance(module, SameConvolution):
                nn.init.kaiming_normal_(module.weight)

    def heads(self, x_BKSS: Tensor) -> tuple[Tensor, ...]:
        """Give the scores of the one head there is."""
        x_BCHW = self.stages(self.stem(self.standardisation(x_BKSS)))
        if self.config.pooling == "windows":
            x_BCHW = F.avg_pool2d(x_BCHW, WINDOW)
        return (self.head(x_BCHW.mean(dim=(2, 3))),)


class _Widening(nn.Module):
    """Shape: (B, C, H, W) -> (B, width, ceil(H / stride), ceil(W / stride))."""

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            SameConvolution(channels, width, 3, stride=stride),
            _norm(width),
            nn.ReLU(inplace=True),
            SameConvolution(width, width, 3),
            EfficientChannelAttention(width, bias=True),
        )
        self.shortcut = SameConvolution(channels, width, 1, stride=stride)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.shortcut(x_BCHW) + self.change(x_BCHW)


class _PreActivation(nn.Module):
    """Shape: (B, C, H, W) in, the same out."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            _norm(width),
            nn.ReLU(inplace=True),
            SameConvolution(width, width, 3),
            nn.Dropout(DROPPED),
            _norm(width),
            nn.ReLU(inplace=True),
            SameConvolution(width, width, 3),
            EfficientChannelAttention(width, bias=True),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return x_BCHW + self.change(x_BCHW)


def _norm(channels: int) -> nn.BatchNorm2d:
    # Keras's momentum of 0.1 is how much of the old statistics stays; torch counts the new.
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.9)
