"""Finding the images of a folder."""

import os
from pathlib import Path

from srkit.errors import ImageError
from srkit.images.naming import display_name

READABLE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff"})
"""Lower case. Only for finding files: `read_image` goes by what is inside them."""


def image_files(folder: Path, recursive: bool = False) -> list[Path]:
    """List the images in `folder`, and with `recursive` in the folders inside it, sorted.

    What goes by its name alone: a readable suffix in any case, and not hidden, in which case
    a whole folder is passed over. So `Thumbs.db`, `.DS_Store` and `._photo.jpg` are left out.
    Symbolic links to files are listed; those to folders are not followed, so loops cannot trap.

    Raises: ImageError when the folder, or one inside it, cannot be listed.
    """
    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        # Emptied in place, the list tells os.walk where not to go.
        folders[:] = [name for name in folders if recursive and not name.startswith(".")]
        found += (Path(parent, name) for name in names if _looks_like_an_image(name))
    return sorted(found)


def _looks_like_an_image(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() in READABLE_SUFFIXES


def _refuse(error: OSError) -> None:
    # os.walk would pass over the folder without a word.
    raise ImageError(
        f"{display_name(error.filename)}: cannot be listed: {error.strerror}"
    ) from error
