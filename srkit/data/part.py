"""What training sets are made of: HR images, or parts of them, each perhaps with its LR image.

Convention
    A side of n pixels is cut into max(1, round(n / size)) parts that differ by at most one step of
    the scale, or into fewer that hold a patch; no pixel is lost, none is in two parts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from srkit.images.image import Samples


@dataclass(frozen=True, kw_only=True)
class Part:
    """An HR image, or a part of one: (H, W, K) uint8 or uint16; with its LR image, or None."""

    folder: int
    hr: Samples
    lr: Samples | None

    @property
    def height(self) -> int:
        """Of the HR image."""
        return self.hr.shape[0]

    @property
    def width(self) -> int:
        """Of the HR image."""
        return self.hr.shape[1]


def noise(height: int, width: int, bands: int, *, seed: int) -> Samples:
    """Make (H, W, K) samples of the type that images of so many bands mostly have."""
    random, shape = np.random.default_rng(seed), (height, width, bands)
    if bands == 3:
        return random.integers(2**8, size=shape, dtype=np.uint8)
    return random.integers(2**16, size=shape, dtype=np.uint16)


def cut(part: Part, size: int, *, scale: int, smallest: int) -> Iterator[Part]:
    """Cut an image into parts of about `size` HR pixels, none below `smallest` LR pixels."""
    rows = _cuts(part.height // scale, size // scale, smallest)
    columns = _cuts(part.width // scale, size // scale, smallest)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield Part(
                folder=part.folder,
                hr=part.hr[top * scale : bottom * scale, left * scale : right * scale],
                lr=None if part.lr is None else part.lr[top:bottom, left:right],
            )


def _cuts(side: int, size: int, smallest: int) -> list[int]:
    count = 1 if size == 0 else max(1, min(round(side / size), side // smallest))
    return [side * index // count for index in range(count + 1)]
