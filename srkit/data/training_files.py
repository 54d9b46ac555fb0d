"""The files of a training folder: its HR images, and the LR images that belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from srkit.data.datasets import TrainingFolder
from srkit.data.pairs import Source, lr_names
from srkit.errors import DataError, SrkitError
from srkit.images import image_files, no_images, read_size
from srkit.images.naming import display_name

SHOWN = 20  # files that cannot be used are named up to this many


@dataclass(frozen=True, kw_only=True)
class TrainingImage:
    """An HR image, its folder's place among the folders, and the parts it is cut into."""

    folder: int
    source: Source
    sub_image_size: int


def find_training_images(folders: Sequence[TrainingFolder], *, scale: int) -> list[TrainingImage]:
    """List the images of all folders.

    Raises: DataError as `find_training_sources`.
    """
    return [
        TrainingImage(folder=index, source=source, sub_image_size=folder.sub_image_size)
        for index, folder in enumerate(folders)
        for source in find_training_sources(folder, scale)
    ]


def require_patch(path: Path, size: tuple[int, int], side: int) -> None:
    """Refuse an HR image of this (height, width) that no patch of `side` pixels fits into.

    Raises: DataError.
    """
    height, width = size
    if min(size) < side:
        raise DataError(
            f"{display_name(path)}: {width}x{height} is smaller than an HR patch of {side}",
            hint="remove what is too small, or train with smaller patches (--patch-size, "
            "train.patch_schedule)",
        )


def hr_sizes(images: Sequence[TrainingImage]) -> list[tuple[int, int] | None]:
    """Give (height, width) of every HR image as its header tells it; None where it does not."""
    return [read_size(image.source.hr) for image in images]


def decoded_bytes(
    sizes: Sequence[tuple[int, int] | None], *, scale: int, needs_lr: bool, bands: int
) -> int:
    """Estimate what decoded images of these sizes, as `hr_sizes` gives them, take.

    RGB images are mostly of 8 bits, those of other bands mostly of 16.
    """
    pixel = bands if bands == 3 else 2 * bands
    hr = sum(pixel * height * width for height, width in filter(None, sizes))
    return hr + hr // scale**2 if needs_lr else hr


def find_training_sources(folder: TrainingFolder, scale: int) -> list[Source]:
    """List the HR images under a folder, each with its LR images where a folder of them is given.

    An LR image lies at the same place and has its HR image's name, or that name and an ending
    such as x4, x4m or x4w1; of several with an ending, each makes a pair.

    Raises: DataError when there is no image, or naming the HR images whose LR image is missing.
    """
    paths = _images_under(folder.hr)
    if folder.lr is None:
        return [
            Source(name=display_name(path.relative_to(folder.hr)), hr=path, lr=None)
            for path in paths
        ]
    lr_root = folder.lr
    lr_paths = {path.relative_to(lr_root).with_suffix(""): path for path in _images_under(lr_root)}
    sources: list[Source] = []
    alone: list[SrkitError] = []
    for path in paths:
        stem = path.relative_to(folder.hr).with_suffix("")
        names = [stem.with_name(name) for name in lr_names(stem.name, scale)]
        partners = [stem] if stem in lr_paths else [name for name in names if name in lr_paths]
        if not partners:
            stem_name = display_name(stem)
            alone.append(
                DataError(
                    f"{display_name(lr_root)}: no LR image is called {stem_name} or "
                    f"{stem_name}x{scale}"
                )
            )
        name = display_name(path.relative_to(folder.hr))
        sources += [Source(name=name, hr=path, lr=lr_paths[partner]) for partner in partners]
    if alone:
        raise all_of(alone, len(paths))
    return sources


def _images_under(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{display_name(folder)}: no such folder")
    paths = image_files(folder, recursive=True)
    if not paths:
        raise DataError(no_images(folder, recursive=True), hint="PNG, JPEG, WebP, BMP or TIFF")
    return paths


def all_of(problems: Sequence[SrkitError], images: int, *, use: str = "trained on") -> DataError:
    """Make one error of those of several images; `images` is how many there are in all."""
    if len(problems) == 1:
        return DataError(str(problems[0]), hint=problems[0].hint)
    lines = [str(problem) for problem in problems[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(f"and {len(problems) - SHOWN} more")
    return DataError(
        f"{len(problems)} of {images} images cannot be {use}:\n  " + "\n  ".join(lines),
        # What helps each of them, where that is the same for all.
        hint=problems[0].hint
        if len({problem.hint for problem in problems}) == 1 and problems[0].hint
        else "remove or mend them",
    )
