"""Saying in one line which file failed and why, whatever went wrong."""

from pathlib import Path

from srkit.errors import ImageError, SrkitError
from srkit.images.naming import display_name, one_line


def reason(source: Path, error: Exception) -> str:
    """Give the line for an error that came up with this file."""
    if isinstance(error, SrkitError):
        text = str(error)
        if error.hint:
            text += f" (hint: {error.hint})"
    elif isinstance(error, MemoryError):
        text = "not enough memory"
    else:
        lines = str(error).strip().splitlines() or [""]
        text = f"{type(error).__name__}: {lines[0]}"
    if isinstance(error, ImageError):
        return text  # which names its file already; that may be the result's
    return f"{display_name(source)}: {one_line(text)}"
