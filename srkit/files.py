"""Writing a file so that its name never points at half of it.

The bytes go to a hidden temporary beside the target, are forced to the disk, and take the
target's name in one step; then the folder is forced to the disk too, so that the name itself
survives a power cut. A kill at any instant leaves the old file or the new one under the name,
and at worst a temporary, which `TEMPORARY_PATTERN` finds.

Source: the usual recipe of databases; Pillai et al., "All File Systems Are Not Created Equal",
OSDI 2014, measures what goes wrong when one of its steps is left out.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

TEMPORARY_PATTERN = ".srkit-*.part"
"""What a temporary left behind by a killed process is called, as a glob pattern."""


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Call `write` with an open file whose bytes then become `path`, all of them or none.

    A symbolic link at `path` is replaced, not followed.

    Raises: OSError as the system gives it, or whatever `write` raises; the temporary is then
    gone and the old file stands. Only when the very last step fails, forcing the folder to the
    disk, is the new file already in place, whole.
    """
    # The name does not contain the target's, which may already be as long as names can be.
    temporary = path.with_name(TEMPORARY_PATTERN.replace("*", secrets.token_hex(8)))
    try:
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:  # an interrupt must not leave the temporary behind either
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows cannot open a folder, and journals its names itself
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return  # one may write into some folders without being allowed to look inside
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
