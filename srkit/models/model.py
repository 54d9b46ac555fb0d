"""What every model states of itself; the tiler, the trainer and the tables go by it."""

from typing import Any

from torch import nn


class Model(nn.Module):
    """A network that turns (B, K, H, W) in [0, 1] into (B, K, scale*H, scale*W), not clamped.

    It takes any height and width from one pixel on.
    """

    config: Any
    """The frozen dataclass it was built from."""
    scale: int
    """Enlargement; 1 for an autoencoder."""
    image_channels: int
    """Bands of the image, in and out."""
    receptive_field: int | None
    """Radius, in pixels of the input, that an output pixel depends on; None = the whole image."""
    size_multiple: int
    """Where an image is cut into tiles, the cuts must lie on multiples of this."""
