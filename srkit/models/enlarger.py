"""What an enlarging network needs around it when it is given images instead of patches.

Convolutions fill up with zeros, which darkens the border of an image: continued by its mirror image
the border is far from the zeros, and what they reach is cut away. What a network adds beside edges
that are harder than those it was trained on is clamped (`srkit.transforms.antiring`). Training sees
neither: patches come from inside of images, and a clamped pixel would have no gradient.
"""

# Shapes: B batch, K image channels, H W size of the LR image, s scale.

import math

from torch import Tensor

from srkit.errors import ConfigError
from srkit.models.model import Model
from srkit.transforms.antiring import antiring
from srkit.transforms.padding import mirror_borders


class Enlarger(Model):
    """Enlarge by `enlarge`, which a child defines; with care for an image when not in training.

    Raises: ConfigError for a number below zero.
    """

    def __init__(self, *, border: int = 0, antiring: float | None = None) -> None:
        super().__init__()
        for name, value in (("border", border), ("antiring", antiring or 0)):
            if not 0 <= value < math.inf:
                raise ConfigError(f"{name} must be a number from 0 on, got {value}")
        self.border = border
        self.antiring = antiring

    def enlarge(self, lr_BKHW: Tensor) -> Tensor:
        """Enlarge what ends in zeros: (B, K, H, W) -> (B, K, s*H, s*W)."""
        raise NotImplementedError

    def forward(self, lr_BKHW: Tensor) -> Tensor:
        if self.training:
            return self.enlarge(lr_BKHW)
        enlarged = self._continued(lr_BKHW) if self.border else self.enlarge(lr_BKHW)
        if self.antiring is None:
            return enlarged
        return antiring(enlarged, lr_BKHW, scale=self.scale, room=self.antiring)

    def _continued(self, lr_BKHW: Tensor) -> Tensor:
        """Enlarge an image together with `border` LR pixels of its mirror image around it."""
        height, width = lr_BKHW.shape[-2:]
        # What comes before the image must start on the grid as tiles do.
        before = -(-self.border // self.size_multiple) * self.size_multiple
        first = self.scale * before
        rows = slice(first, first + self.scale * height)
        columns = slice(first, first + self.scale * width)
        return self.enlarge(mirror_borders(lr_BKHW, before, self.border))[..., rows, columns]
