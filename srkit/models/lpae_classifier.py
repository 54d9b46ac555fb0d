"""The classifier of LPAE: a wide network sees the approximation, a thin one the detail.

Han et al., "LPAE: Laplacian Pyramid-like Autoencoder", SAI 2022, https://arxiv.org/abs/2208.12484.
The approximation, of half the size, goes through a backbone of full width; the detail, of full
size, through one of a quarter of it. One head scores the approximation's features, another the two
together; each is trained by a loss of its own, and what counts is the mean of their scores. At half
the size a backbone takes a quarter of the multiply-adds: the whole is a third as expensive as the
backbone alone, though it has more weights.
The autoencoder is trained beforehand and stays frozen; a second stage may train all together.
The backbone `small` is srkit's addition, for small images.
"""

# Shapes: B batch, K image channels, S side of the images, N classes.

from dataclasses import dataclass

import torch
from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.backbones import find_backbone
from srkit.models.checks import require_positive
from srkit.models.classifier import Classifier, ClassifierConfig
from srkit.models.holding_lpae import HoldsLPAE
from srkit.models.lpae import LPAE, LPAEConfig

THINNER = 4
"""The detail's backbone is so many times as thin as the approximation's."""


@dataclass(frozen=True, kw_only=True)
class LPAEClassifierConfig(ClassifierConfig):
    """What it takes to build the classifier again; stored inside its checkpoint."""

    image_size: int = 224
    """Side of the square that images are resized to."""
    backbone: str = "vgg16"
    """What makes features of an image: vgg16, resnet50 or small."""
    features: int = 64
    """Width of the approximation's backbone; the detail's has a quarter of it."""
    lpae_hidden: int = 16
    """`hidden` of the LPAE inside it."""


class LPAEClassifier(Classifier, HoldsLPAE):
    """Classify by the approximation and the detail of an autoencoder.

    Shape: (B, K, S, S) in [0, 1] -> (B, N).
    Raises: ConfigError as Classifier, for a backbone there is not, features that cannot be
        quartered, a number below one and images too small for the backbone.
    """

    what_it_does = "this classifier sees"
    config: LPAEClassifierConfig

    def __init__(self, config: LPAEClassifierConfig) -> None:
        super().__init__(config)
        require_positive(config, "image_channels", "image_size", "features", "lpae_hidden")
        if config.features % THINNER:
            raise ConfigError(f"features must be a multiple of {THINNER}, got {config.features}")
        channels, count = config.image_channels, len(config.classes)
        self.image_size = config.image_size
        self.lpae = LPAE(LPAEConfig(image_channels=channels, hidden=config.lpae_hidden))
        self.lpae.requires_grad_(False)
        backbone = find_backbone(config.backbone)
        half = -(-config.image_size // 2)
        self.approximation = backbone(channels, config.features, half)
        self.detail = backbone(channels, config.features // THINNER, config.image_size)
        coarse, fine = self.approximation.outputs, self.detail.outputs
        self.approximation_head = backbone.create_head(coarse, count)
        self.joint_head = backbone.create_head(coarse + fine, count)

    def heads(self, x_BKSS: Tensor) -> tuple[Tensor, ...]:
        """Give the scores of the approximation alone, and those of both parts together."""
        approximation, detail = self.lpae.encode(x_BKSS)
        coarse, fine = self.approximation(approximation), self.detail(detail)
        joint = torch.cat([coarse, fine], dim=1)
        return self.approximation_head(coarse), self.joint_head(joint)
