"""How messages call the files they are about."""

import os
import unicodedata
from pathlib import Path
from typing import BinaryIO

_BREAKS_A_LINE = {"Cc", "Cs", "Zl", "Zp"}


def display_name(source: str | Path | BinaryIO) -> str:
    """Name a path or an open stream so that it fits on one line and can be printed.

    Any letter of any script stays. Line breaks, other control characters and bytes that are no
    text, all of which a file's name may contain, become escapes such as `\\n`.

    >>> display_name(Path("fotos/été.png"))
    'fotos/été.png'
    >>> print(display_name("two\\nlines.png"))
    two\\nlines.png
    """
    if not isinstance(source, str | Path):
        name = getattr(source, "name", None)
        # Streams made from a descriptor have its number for a name.
        source = os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else "<stream>"
    return one_line(str(source))


def one_line(text: str) -> str:
    """Escape what would break a line or cannot be printed."""
    return "".join(
        letter.encode("unicode_escape").decode() if _breaks(letter) else letter for letter in text
    )


def _breaks(letter: str) -> bool:
    return unicodedata.category(letter) in _BREAKS_A_LINE
