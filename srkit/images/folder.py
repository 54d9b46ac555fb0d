"""Finding the images of a folder."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from srkit.errors import ImageError
from srkit.images.naming import display_name

READABLE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff"})
"""Lower case. Only for finding files: `read_image` goes by what is inside them."""

_OF_PROGRAMS = "gif apng heic heif hif avif jxl jp2 j2k jpe psd xcf svg tga dds exr ico pnm ppm pgm"
_OF_CAMERAS = "raw dng cr2 cr3 crw nef nrw arw sr2 srf srw raf orf rw2 rwl pef x3f 3fr iiq dcr kdc"
OTHER_SUFFIXES = frozenset(f".{kind}" for kind in f"{_OF_PROGRAMS} {_OF_CAMERAS}".split())
"""Lower case. Images as well, but of kinds that srkit does not read."""


def image_files(folder: Path, recursive: bool = False) -> list[Path]:
    """List the images in `folder`, and with `recursive` in the folders inside it, sorted.

    What goes by its name alone: a readable suffix in any case, and not hidden, in which case
    a whole folder is passed over. So `Thumbs.db`, `.DS_Store` and `._photo.jpg` are left out.
    Symbolic links to files are listed; those to folders are not followed, so loops cannot trap.

    Raises: ImageError when the folder, or one inside it, cannot be listed.
    """
    return sorted(p for p in _visible(folder, recursive) if p.suffix.lower() in READABLE_SUFFIXES)


def other_images(folder: Path, recursive: bool = False) -> list[Path]:
    """List the images of kinds that srkit does not read, found as `image_files` finds others."""
    return sorted(p for p in _visible(folder, recursive) if p.suffix.lower() in OTHER_SUFFIXES)


def count_kinds(others: Sequence[Path]) -> str:
    """Say how many images of other kinds there are, and which.

    >>> count_kinds([Path("a.HEIC"), Path("b.gif"), Path("c.heic")])
    '3 files of other kinds (.gif, .heic)'
    """
    kinds = ", ".join(sorted({path.suffix.lower() for path in others}))
    return f"{len(others)} file{'s' if len(others) > 1 else ''} of other kinds ({kinds})"


def no_images(folder: Path, recursive: bool = False) -> str:
    """Say that a folder has no images, and which it has that srkit does not read."""
    others = other_images(folder, recursive)
    only = f", only {count_kinds(others)}" if others else ""
    return f"{display_name(folder)}: no images in this folder{only}"


def _visible(folder: Path, recursive: bool) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        # Emptied in place, the list tells os.walk where not to go.
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        yield from (Path(parent, name) for name in names if not name.startswith("."))


def _refuse(error: OSError) -> None:
    # os.walk would pass over the folder without a word.
    raise ImageError(
        f"{display_name(error.filename)}: cannot be listed: {error.strerror}"
    ) from error
