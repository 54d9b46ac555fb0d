"""What there is to train on, found out without decoding a whole image or downloading any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srkit.data.datasets import TrainingFolder, find_div2k
from srkit.data.pairs import Source, sizes_agree
from srkit.data.training_files import (
    TrainingImage,
    all_of,
    decoded_bytes,
    find_training_images,
    hr_sizes,
    require_patch,
)
from srkit.errors import SrkitError
from srkit.images import read_image, read_size


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Images that are there, or will be when they are downloaded."""

    images: int
    """HR images, each as often as it has LR images."""
    absent: tuple[str, ...]
    """Archives that are not downloaded yet, by name."""
    decoded: int | None
    """Bytes of the decoded images, about; None when some are absent."""


def survey_folders(
    folders: Sequence[TrainingFolder],
    *,
    scale: int,
    patch_size: int,
    bands: int,
    needs_lr: bool,
    data_root: Path | None = None,
) -> Survey:
    """Count images, pair them with their LR images, and compare the sizes in the headers of both.

    Raises: DataError for a folder without images, a file whose header cannot be read, an image too
        small for a patch, an LR image that is missing and one of another size.
    """
    absent: list[str] = []
    here: list[TrainingFolder] = []
    expected = 0
    for folder in folders:
        gone = [one for one in folder.archives if not find_div2k(one, data_root).is_dir()]
        absent += [one.name for one in gone]
        if gone:
            expected += folder.archives[-1].images
        else:
            here.append(folder)
    images = find_training_images(here, scale=scale)
    sizes = hr_sizes(images)
    _require_sizes(images, sizes, scale, patch_size)
    decoded = decoded_bytes(sizes, scale=scale, needs_lr=needs_lr, bands=bands)
    return Survey(
        images=expected + len(images),
        absent=tuple(absent),
        decoded=None if absent else decoded,
    )


def _require_sizes(
    images: Sequence[TrainingImage],
    sizes: Sequence[tuple[int, int] | None],
    scale: int,
    patch_size: int,
) -> None:
    problems: list[SrkitError] = []
    for image, size in zip(images, sizes, strict=True):
        try:
            if size is None:
                read_image(image.source.hr)  # says what is wrong with it
            else:
                _require_size(image.source, size, scale, patch_size)
        except SrkitError as error:
            problems.append(error)
    if problems:
        raise all_of(problems, len(images))


def _require_size(source: Source, hr: tuple[int, int], scale: int, patch_size: int) -> None:
    require_patch(source.hr, hr, patch_size * scale)
    lr = None if source.lr is None else read_size(source.lr)
    # One of the two may be turned as its EXIF block says.
    if lr is not None and not sizes_agree(lr[::-1], hr, scale):
        source.require_sizes(lr, hr, scale)
