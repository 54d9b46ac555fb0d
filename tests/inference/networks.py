"""Small networks that state what every model states; nothing of srkit.models is needed here."""

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Convolutions(nn.Module):
    """3x3 convolutions with zero padding: each sees one pixel further."""

    def __init__(self, *, scale: int = 2, channels: int = 3, depth: int = 4, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.scale, self.image_channels = scale, channels
        self.receptive_field: int | None = depth
        self.size_multiple = 1
        widths = [channels, *[6] * (depth - 1), channels * scale**2]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for layer in self.layers:
            y = layer(F.gelu(y))
        # Around the enlarged image, so that little is lost by clamping.
        return F.interpolate(x, scale_factor=self.scale) + 0.5 * F.pixel_shuffle(y, self.scale)


class Strided(nn.Module):
    """Works on blocks of 2x2 pixels; a tile that starts at an odd pixel sees other blocks."""

    scale = 2
    image_channels = 3
    receptive_field = 5
    size_multiple = 2

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.enter = nn.Conv2d(12, 8, 3, padding=1)
        self.leave = nn.Conv2d(8, 48, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        even = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
        blocks = self.leave(F.gelu(self.enter(F.pixel_unshuffle(even, 2))))
        return 0.5 + F.pixel_shuffle(blocks, 4)[..., : 2 * height, : 2 * width]


class WholeImage(Convolutions):
    """Takes the mean of the image away, so that no tile knows enough."""

    def __init__(self) -> None:
        super().__init__()
        self.receptive_field = None

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) - 0.3 * x.mean(dim=(2, 3), keepdim=True)


class Repeat(nn.Module):
    """Makes every pixel a block of equal ones, which numpy does as well: an exact oracle.

    `hook` is called with the number of the call and what was read, and may raise or return
    something else.
    """

    receptive_field = 0
    size_multiple = 1

    def __init__(
        self,
        *,
        scale: int = 2,
        channels: int = 3,
        hook: Callable[[int, Tensor], Tensor | None] | None = None,
    ) -> None:
        super().__init__()
        self.scale, self.image_channels, self.hook = scale, channels, hook
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.shapes.append(tuple(x.shape))
        changed = self.hook(len(self.shapes), x) if self.hook else None
        return F.interpolate(x if changed is None else changed, scale_factor=self.scale)
