"""Labelled images as one set, decoded once and resized to the square that a classifier takes."""

# Shapes: K bands, S side of the square, N images, C classes.

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from srkit.data.labelled_files import LabelledFiles
from srkit.data.part import Part
from srkit.data.prepared import PreparedFile, key_of
from srkit.data.reading_ahead import read_ahead
from srkit.data.training_files import all_of
from srkit.data.training_set import Cache, kept
from srkit.errors import SrkitError
from srkit.images import read_bands
from srkit.images.image import Samples
from srkit.models.classifier_input import squared


@dataclass(frozen=True, kw_only=True)
class LabelledSet:
    """Images with their classes."""

    squares: Sequence[Part]
    """Each an image of (S, S, K), which is its part's `hr`."""
    targets: Tensor
    """(N,) class indices; or (N, C), 1.0 where an image is of a class, for several labels."""

    def __len__(self) -> int:
        return len(self.targets)

    def statistics(self) -> tuple[list[float], list[float]]:
        """Give each band's mean and deviation over all images, in [0, 1]."""
        total = squares = np.zeros(())
        for square in self.squares:
            values = square.hr.astype(np.float64) / np.iinfo(square.hr.dtype).max
            total = total + values.mean(axis=(0, 1))
            squares = squares + np.square(values).mean(axis=(0, 1))
        mean = total / len(self)
        deviation = np.sqrt(np.maximum(squares / len(self) - np.square(mean), 0))
        return mean.tolist(), deviation.tolist()


def load_labelled(
    files: LabelledFiles,
    *,
    side: int,
    bands: int,
    cache: Cache = "memory",
    cache_folder: Path | None = None,
    shared: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> LabelledSet:
    """Read every image; `cache` and `shared` say where they are kept, as for other training sets.

    Raises: DataError naming every file that is damaged, transparent or of other bands.
    """

    def load(path: Path) -> Samples:
        return squared(read_bands(path, bands), side)

    def squares() -> Iterator[Part]:
        problems: list[SrkitError] = []
        for done, (_, loaded) in enumerate(read_ahead(files.paths, load), 1):
            if isinstance(loaded, SrkitError):
                problems.append(loaded)
            elif not problems:  # after the first, the rest is read only to be named
                yield Part(folder=0, hr=loaded, lr=None)
            if progress is not None:
                progress(done, len(files.paths))
        if problems:
            raise all_of(problems, len(files.paths))

    if cache_folder is None or cache == "memory":
        found: Sequence[Part] = list(squares())
    else:
        key = key_of(
            [(0, path, None, 0) for path in files.paths],
            scale=1,
            needs_lr=False,
            patch_size=side,
            bands=bands,
            shape="squares",
        )
        prepared = PreparedFile(cache_folder / f"{key}.images")
        # Of 8 bits, or of 16.
        size = len(files.paths) * side**2 * bands * (1 if bands == 3 else 2)
        found = kept(squares, prepared, on_disk=shared or cache == "disk", size=lambda: size)
    return LabelledSet(squares=found, targets=_targets(files))


def _targets(files: LabelledFiles) -> Tensor:
    if not files.multi_label:
        return torch.tensor([label for (label,) in files.labels])
    targets = torch.zeros(len(files.labels), len(files.classes))
    for row, labels in enumerate(files.labels):
        targets[row, list(labels)] = 1
    return targets
