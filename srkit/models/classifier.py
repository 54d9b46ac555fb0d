"""What every classifier states of itself, and how its scores become probabilities."""

# Shapes: B batch, K image channels, S side of the images, N classes.

from dataclasses import dataclass

import torch
from torch import Tensor

from srkit.errors import ConfigError
from srkit.models.network import Network


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """What the configurations of all classifiers have."""

    classes: tuple[str, ...] = ()
    """Names of the classes; a run takes them from its training images."""
    multi_label: bool = False
    """Whether an image can be of several classes, or of none."""
    image_channels: int = 3
    """Colours, or bands, of an image."""


class Classifier(Network):
    """A network that turns (B, K, S, S) in [0, 1] into a score (logit) for each class, (B, N).

    One that has several heads gives the mean of their scores.

    Raises: ConfigError for class names that are too few, empty or not all different.
    """

    config: ClassifierConfig
    image_size: int
    """Side of the square that images are resized to."""

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.image_channels = config.image_channels
        self.multi_label = config.multi_label
        self.classes = config.classes
        fewest = 1 if config.multi_label else 2
        if len(self.classes) < fewest:
            raise ConfigError(
                f"classes must have {fewest} names or more, got {len(self.classes)}",
                hint="a folder of images for each class, or a labels.csv, gives them",
            )
        if "" in self.classes or len(set(self.classes)) < len(self.classes):
            raise ConfigError("classes must have names that are all different and not empty")

    def heads(self, x_BKSS: Tensor) -> tuple[Tensor, ...]:
        """Give the scores of every head, each (B, N)."""
        raise NotImplementedError

    def forward(self, x_BKSS: Tensor) -> Tensor:
        return torch.stack(self.heads(x_BKSS)).mean(dim=0)

    def probabilities(self, x_BKSS: Tensor) -> Tensor:
        """Give the probability of each class, (B, N): their sum is 1 unless labels are several."""
        scores = self(x_BKSS).float()
        return scores.sigmoid() if self.multi_label else scores.softmax(dim=1)
