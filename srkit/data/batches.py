"""A batch is a pure function of (seed, step, place): resuming needs no state of a loader.

A step's patches have places counted over all processes, so two processes draw together what one
would draw alone. Each patch is drawn from a folder by its weight, from an image with a probability
proportional to the positions it offers, at a uniform position, and turned by a symmetry of the
square: chosen for all places of a step at once, by a generator seeded by (seed, step). A
degradation has a generator for each patch, seeded by (seed, step, place).
"""

# Shapes: N places of a step, B batch, K channels, P side of an LR patch, s scale.

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from srkit.data.degradations import Degradation
from srkit.data.symmetry import symmetries, turn
from srkit.data.training_set import TrainingSet
from srkit.images.image import Samples


class _Choice(NamedTuple):
    """What is cut from where: indices of a part and of an LR position in it, and a symmetry."""

    part: int
    top: int
    left: int
    symmetry: int


class Batch(NamedTuple):
    """LR patches (B, K, P, P) and their HR patches (B, K, s*P, s*P), float32 in [0, 1]."""

    lr: Tensor
    hr: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Move both to a device."""
        return Batch(self.lr.to(device, non_blocking=True), self.hr.to(device, non_blocking=True))


class BatchSource:
    """Draw the batches of a run from a training set.

    `patch_size` gives the side in LR pixels for a step, `batch_size` the patches of a step over
    all processes. No part may be smaller than the largest patch. Without a degradation the parts
    hold their LR images.
    """

    def __init__(
        self,
        training_set: TrainingSet,
        *,
        scale: int,
        patch_size: Callable[[int], int],
        batch_size: Callable[[int], int],
        seed: int,
        use_hflip: bool = True,
        use_rot: bool = True,
        degradation: Degradation | None = None,
    ) -> None:
        self.training_set = training_set
        self.scale = scale
        self.patch_size = patch_size
        self.batch_size = batch_size
        self.seed = seed
        self.degradation = degradation
        self._symmetries = symmetries(use_hflip=use_hflip, use_rot=use_rot)
        self._sides = np.array(
            [(part.height // scale, part.width // scale) for part in training_set.parts]
        )
        self._folders = np.array([part.folder for part in training_set.parts])
        self._cumulative: dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]] = {}

    @property
    def images(self) -> int:
        """How many there are."""
        return self.training_set.images

    @property
    def megapixels(self) -> float:
        """Of the HR images."""
        return self.training_set.megapixels

    def draw(self, step: int, start: int, stop: int) -> Batch:
        """Give the patches at places `start` to `stop` - 1 of a step."""
        size = self.patch_size(step)
        patches = [
            self._patch(choice, size)
            if self.degradation is None
            else self._degraded(choice, size, self._generator(step, place))
            for place, choice in enumerate(self._choices(step, size)[start:stop], start)
        ]
        lr, hr = zip(*patches, strict=True)
        return Batch(to_batch(lr), to_batch(hr))

    def _generator(self, step: int, place: int) -> np.random.Generator:
        # A spawn key, so that it is none of the generators of steps.
        seed = np.random.SeedSequence((self.seed, step), spawn_key=(place,))
        return np.random.default_rng(seed)

    def _choices(self, step: int, size: int) -> list[_Choice]:
        """Choose for all places of a step, however many of them are asked for."""
        random = np.random.default_rng((self.seed, step))
        count = self.batch_size(step)
        cumulative = self._chances(size)
        parts_N = cumulative.searchsorted(random.random(count) * cumulative[-1], side="right")
        positions_N2 = random.integers(self._sides[parts_N] - size + 1)
        symmetries_N = random.choice(self._symmetries, count)
        chosen_N4 = np.column_stack([parts_N, positions_N2, symmetries_N])
        return [_Choice(*chosen) for chosen in chosen_N4.tolist()]

    def _patch(self, choice: _Choice, size: int) -> tuple[Samples, Samples]:
        part, top, left, symmetry = self.training_set.parts[choice.part], *choice[1:]
        scale = self.scale
        assert part.lr is not None
        lr = part.lr[top : top + size, left : left + size]
        hr = part.hr[top * scale : (top + size) * scale, left * scale : (left + size) * scale]
        return turn(lr, symmetry), turn(hr, symmetry)

    def _chances(self, size: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        """Sum up what chance each part has, for patches of one size."""
        if size not in self._cumulative:
            positions = (self._sides - size + 1).prod(axis=1).astype(np.float64)
            for folder, weight in enumerate(self.training_set.weights):
                if weight is not None:
                    inside = self._folders == folder
                    positions[inside] *= weight / positions[inside].sum()
            self._cumulative[size] = np.cumsum(positions)
        return self._cumulative[size]

    def _degraded(
        self, choice: _Choice, size: int, random: np.random.Generator
    ) -> tuple[Samples, Samples]:
        """Degrade a patch with a margin around it, so that its borders are not an image's."""
        assert self.degradation is not None
        part, top, left, symmetry = self.training_set.parts[choice.part], *choice[1:]
        scale, margin = self.scale, self.degradation.margin
        rows, above, below = _window(top * scale, size * scale, margin, part.height)
        columns, before, behind = _window(left * scale, size * scale, margin, part.width)
        around = part.hr[rows, columns]
        if above or below or before or behind:
            around = np.pad(around, ((above, below), (before, behind), (0, 0)), "symmetric")
        # Turned first: compression knows up from left. The margins are equal on all sides.
        around = turn(around, symmetry)
        with _one_thread():
            lr_1KHW = self.degradation(to_batch([around]), generator=random)
        inner, edge = margin // scale, margin
        lr = lr_1KHW[0, :, inner : inner + size, inner : inner + size]
        hr = around[edge : edge + size * scale, edge : edge + size * scale]
        return (lr * 255).round().to(torch.uint8).permute(1, 2, 0).numpy(), hr


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute as a loader worker does: sums could come out differently on more threads.

    Patches are also too small to share.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _window(start: int, length: int, margin: int, side: int) -> tuple[slice, int, int]:
    """Give the pixels there are around a patch, and how many are missing on either side."""
    first, last = start - margin, start + length + margin
    return slice(max(first, 0), min(last, side)), max(-first, 0), max(last - side, 0)


def to_batch(patches: Sequence[Samples]) -> Tensor:
    """Turn (H, W, K) samples of equal size into (B, K, H, W) in [0, 1], float32."""
    # Stacking the (H, W, K) patches and permuting gives channels-last memory for nothing.
    values_BHWK = np.empty((len(patches), *patches[0].shape), np.float32)
    for patch, values_HWK in zip(patches, values_BHWK, strict=True):
        np.divide(patch, np.float32(np.iinfo(patch.dtype).max), out=values_HWK)
    return torch.from_numpy(values_BHWK).permute(0, 3, 1, 2)
