"""What every network of srkit's states of itself, whatever it makes of an image."""

from typing import Any

from torch import nn


class Network(nn.Module):
    """A module that is built from a configuration and takes images in [0, 1]."""

    config: Any
    """The frozen dataclass it was built from."""
    image_channels: int
    """Bands of the images it takes."""
