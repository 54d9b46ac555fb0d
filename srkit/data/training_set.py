"""Folders of HR images as one training set, decoded once and cut into parts.

LR images are made once, ahead of training and from whole images, so that a training step never
waits for them; where degradations make them on the fly, none are kept.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import psutil

from srkit.data.datasets import TrainingFolder
from srkit.data.part import Part, cut
from srkit.data.prepared import PreparedFile, key_of
from srkit.data.reading_ahead import read_ahead
from srkit.data.training_files import (
    TrainingImage,
    all_of,
    decoded_bytes,
    find_training_images,
    hr_sizes,
    require_patch,
)
from srkit.errors import SrkitError

Cache = Literal["auto", "memory", "disk"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """Parts of images, in the order of folders and names."""

    parts: Sequence[Part]
    weights: tuple[float | None, ...]
    """Of each folder; a part's `folder` is an index into it."""
    images: int
    megapixels: float
    """Of the HR images, in all."""


def load_training_set(
    folders: Sequence[TrainingFolder],
    *,
    scale: int,
    patch_size: int,
    bands: int = 3,
    needs_lr: bool = True,
    cache: Cache = "memory",
    cache_folder: Path | None = None,
    shared: bool = False,
    progress: Progress | None = None,
) -> TrainingSet:
    """Read every image under the folders, with its LR image or making one.

    The patch size is in LR pixels, the largest the run uses; images have so many `bands`. `cache`
    keeps the decoded images in memory, or in one memory-mapped file in `cache_folder` that later
    runs use again; "auto" takes memory when they need less than half of what is free, and are not
    `shared` by processes that would each have a copy. `progress` is called with the images done and
    of all images.

    Raises: DataError naming every file that is damaged, transparent, of other bands or smaller than
        a patch, or a folder without images.
    """
    images = find_training_images(folders, scale=scale)
    weights = tuple(folder.weight for folder in folders)

    def parts() -> Iterator[Part]:
        problems: list[SrkitError] = []
        load = partial(_load, scale=scale, patch_size=patch_size, needs_lr=needs_lr, bands=bands)
        for done, (image, loaded) in enumerate(read_ahead(images, load), 1):
            if isinstance(loaded, SrkitError):
                problems.append(loaded)
            elif not problems:  # after the first, the rest is read only to be named
                yield from cut(loaded, image.sub_image_size, scale=scale, smallest=patch_size)
            if progress is not None:
                progress(done, len(images))
        if problems:
            raise all_of(problems, len(images))

    if cache_folder is None or cache == "memory":
        found: Sequence[Part] = list(parts())
    else:
        key = key_of(
            [
                (image.folder, image.source.hr, image.source.lr, image.sub_image_size)
                for image in images
            ],
            scale=scale,
            needs_lr=needs_lr,
            patch_size=patch_size,
            bands=bands,
        )
        prepared = PreparedFile(cache_folder / f"{key}.images")

        def size() -> int:
            return decoded_bytes(hr_sizes(images), scale=scale, needs_lr=needs_lr, bands=bands)

        found = kept(parts, prepared, on_disk=shared or cache == "disk", size=size)
    pixels = sum(part.height * part.width for part in found)
    return TrainingSet(parts=found, weights=weights, images=len(images), megapixels=pixels / 1e6)


def _load(image: TrainingImage, *, scale: int, patch_size: int, needs_lr: bool, bands: int) -> Part:
    pair = image.source.load(scale, make_lr=needs_lr, bands=bands)
    height, width = pair.hr.shape[:2]
    require_patch(image.source.hr, (height, width), patch_size * scale)
    return Part(folder=image.folder, hr=pair.hr, lr=pair.lr if needs_lr else None)


def kept(
    parts: Callable[[], Iterator[Part]],
    prepared: PreparedFile,
    *,
    on_disk: bool,
    size: Callable[[], int],
) -> Sequence[Part]:
    """Give parts that are made only where they have to be: from memory, or a prepared file.

    A file that is whole is used; one is made when that is asked for, or when the `size` in bytes is
    more than half of the memory that is free.
    """
    if not prepared.whole():
        if not on_disk and size() <= _free() / 2:
            return list(parts())
        prepared.write(parts())
    return prepared


def _free() -> int:
    return int(psutil.virtual_memory().available)
