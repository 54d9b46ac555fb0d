"""Batches of labelled images, each a pure function of (seed, step, place), as those of patches are.

All images are taken once, in an order of the seed's, before one is taken again in another order.
Each is mirrored, turned and shifted at random; what a shift uncovers is the mirror image of what
lies beside it.
"""

# Shapes: B batch, K bands, S side of an image, N images, C classes.

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from srkit.data.batches import to_batch
from srkit.data.labelled_set import LabelledSet
from srkit.data.symmetry import symmetries, turn
from srkit.images.image import Samples

LARGEST_SHIFT = 1 / 8
"""In parts of an image's side."""


class LabelledBatch(NamedTuple):
    """Images (B, K, S, S), float32 in [0, 1], and their classes: (B,) indices or (B, C) of 0, 1."""

    images: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> "LabelledBatch":
        """Move both to a device."""
        images, targets = (part.to(device, non_blocking=True) for part in self)
        return LabelledBatch(images, targets)


class LabelledSource:
    """Draw the batches of a run from labelled images; `batch_size` is over all processes."""

    def __init__(
        self,
        labelled: LabelledSet,
        *,
        batch_size: Callable[[int], int],
        seed: int,
        use_hflip: bool = True,
        use_rot: bool = False,
        use_shift: bool = True,
    ) -> None:
        self.labelled = labelled
        self.batch_size = batch_size
        self.seed = seed
        self.use_shift = use_shift
        self._symmetries = symmetries(use_hflip=use_hflip, use_rot=use_rot)
        self._order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.labelled)

    @cached_property
    def megapixels(self) -> float:
        """Of the resized images."""
        side = self.labelled.squares[0].height
        return len(self.labelled) * side**2 / 1e6

    def draw(self, step: int, start: int, stop: int) -> LabelledBatch:
        """Give the images at places `start` to `stop` - 1 of a step; steps have equal sizes."""
        before = step * self.batch_size(step)
        chosen = [self._chosen(before + place) for place in range(start, stop)]
        images = [
            self._varied(self.labelled.squares[index].hr, step, place)
            for place, index in enumerate(chosen, start)
        ]
        return LabelledBatch(to_batch(images), self.labelled.targets[chosen])

    def _chosen(self, position: int) -> int:
        """Give the image at a position counted over all steps."""
        epoch, place = divmod(position, len(self.labelled))
        if self._order[0] != epoch:
            # Another key, so that it is none of the generators of places.
            seed = np.random.SeedSequence((self.seed, epoch), spawn_key=(1,))
            order = np.random.default_rng(seed).permutation(len(self.labelled))
            self._order = (epoch, order)
        return int(self._order[1][place])

    def _varied(self, image: Samples, step: int, place: int) -> Samples:
        random = np.random.default_rng((self.seed, step, place))
        symmetry = self._symmetries[int(random.integers(len(self._symmetries)))]
        margin = int(image.shape[0] * LARGEST_SHIFT) if self.use_shift else 0
        if margin:
            side = image.shape[0]
            top, left = (int(random.integers(2 * margin + 1)) for _ in range(2))
            around = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), "symmetric")
            image = around[top : top + side, left : left + side]
        return turn(image, symmetry)
