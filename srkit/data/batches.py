"""A batch is a pure function of (seed, step): resuming needs no state of a loader.

Each patch is drawn from an image with a probability proportional to the positions it offers, at a
uniform position, and turned by one of the eight symmetries of the square. Every patch has a
generator of its own, seeded by (seed, step, place in the batch).
"""

# Shapes: B batch, K channels, P side of an LR patch, s scale.

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from srkit.data.pairs import Pair
from srkit.images.image import Samples


class Batch(NamedTuple):
    """LR patches (B, K, P, P) and their HR patches (B, K, s*P, s*P), float32 in [0, 1]."""

    lr: Tensor
    hr: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Move both to a device."""
        return Batch(self.lr.to(device), self.hr.to(device))


class BatchSource:
    """Draw batches from pairs held in memory.

    The patch size is in LR pixels; no pair's LR image may be smaller.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        *,
        scale: int,
        patch_size: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self.pairs = pairs
        self.scale = scale
        self.patch_size = patch_size
        self.batch_size = batch_size
        self.seed = seed
        positions = [
            (pair.lr.shape[0] - patch_size + 1) * (pair.lr.shape[1] - patch_size + 1)
            for pair in pairs
        ]
        self._cumulative = np.cumsum(positions)

    def draw(self, step: int) -> Batch:
        """Give the batch of a step: the same for the same seed, step and pairs."""
        patches = [self._patch(step, place) for place in range(self.batch_size)]
        lr, hr = zip(*patches, strict=True)
        return Batch(_to_tensor(lr), _to_tensor(hr))

    def _patch(self, step: int, place: int) -> tuple[Samples, Samples]:
        random = np.random.default_rng((self.seed, step, place))
        position = int(random.integers(self._cumulative[-1]))
        pair = self.pairs[int(np.searchsorted(self._cumulative, position, side="right"))]
        size, scale = self.patch_size, self.scale
        top = int(random.integers(pair.lr.shape[0] - size + 1))
        left = int(random.integers(pair.lr.shape[1] - size + 1))
        symmetry = int(random.integers(8))
        lr = pair.lr[top : top + size, left : left + size]
        hr = pair.hr[top * scale : (top + size) * scale, left * scale : (left + size) * scale]
        return turn(lr, symmetry), turn(hr, symmetry)


def turn(patch: Samples, symmetry: int) -> Samples:
    """Apply one of the eight symmetries of the square: 0 to 3 rotate, 4 to 7 mirror as well."""
    rotated = np.rot90(patch, symmetry % 4)
    return rotated[:, ::-1] if symmetry >= 4 else rotated


def _to_tensor(patches: Sequence[Samples]) -> Tensor:
    # Stacking the (H, W, K) patches and permuting gives channels-last memory for nothing.
    stacked_BHWK = torch.from_numpy(np.stack(patches))
    return stacked_BHWK.permute(0, 3, 1, 2).float().div_(255)
