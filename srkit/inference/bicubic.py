"""Bicubic interpolation in the form of a model, so that it can be run in tiles like one.

It enlarges transparency, and pictures for those who want nothing added to them.
"""

# Shapes: B batch, K image channels, H W height and width, s scale.

from torch import Tensor

from srkit.models.model import Model
from srkit.transforms.resize import imresize

NAME = "bicubic"
SCALES = (2, 3, 4, 8)


class BicubicEnlarger(Model):
    """Enlarge as MATLAB's `imresize` does, but for its rounding between the two passes.

    Shape: (B, K, H, W) -> (B, K, s*H, s*W), not clamped.
    """

    receptive_field = 2
    size_multiple = 1

    def __init__(self, scale: int, *, image_channels: int = 1) -> None:
        super().__init__()
        self.scale = scale
        self.image_channels = image_channels

    def forward(self, lr_BKHW: Tensor) -> Tensor:
        height, width = lr_BKHW.shape[-2:]
        return imresize(lr_BKHW, size=(self.scale * height, self.scale * width))
