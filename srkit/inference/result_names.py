"""What a result is called, and telling results apart that would share a name."""

import os
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Literal

from srkit.errors import ConfigError
from srkit.images import WRITABLE_SUFFIXES
from srkit.images.naming import display_name

Format = Literal["auto", "png", "jpg", "webp", "tif"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One image to read and the file to write."""

    source: Path
    target: Path

    @property
    def beside_source(self) -> bool:
        """Whether the result goes into its source's folder."""
        return real(self.source.parent) == real(self.target.parent)


def name_result(source: Path, root: Path, output: Path, *, tag: str, format: Format) -> Job:
    """Put the result where its source lies within `root`, but in `output`."""
    target = output / source.relative_to(root).with_suffix(_suffix(source, format))
    job = Job(source=source, target=target)
    return replace(job, target=_with_end(target, tag)) if job.beside_source else job


def tell_apart(jobs: Sequence[Job]) -> list[Job]:
    """Give results that share a name their source's suffix as well.

    Raises: ConfigError when that does not tell them apart.
    """
    sharing = {job for group in _by_name(jobs) if len(group) > 1 for job in group}
    told = [
        replace(job, target=_with_end(job.target, job.source.suffix[1:])) if job in sharing else job
        for job in jobs
    ]
    for group in _by_name(told):
        if len(group) > 1:
            first, second = (display_name(job.source) for job in group[:2])
            raise ConfigError(
                f"{first} and {second} would both become {display_name(group[0].target)}",
                hint="give them different output folders",
            )
    return told


def renamed(jobs: Sequence[Job]) -> list[Job]:
    """Number the results whose names are taken: `photo_1.png`."""
    taken = {job.target for job in jobs}
    free = []
    for job in jobs:
        target = job.target
        if occupied(target):
            numbered = (_with_end(target, str(number)) for number in count(1))
            target = next(new for new in numbered if not occupied(new) and new not in taken)
            taken.add(target)
        free.append(replace(job, target=target))
    return free


def occupied(path: Path) -> bool:
    """Say whether anything has this name, a link that leads nowhere included."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


def real(path: Path) -> Path:
    """Follow all links, as far as they lead; Path.resolve fails on a loop of them."""
    return Path(os.path.realpath(path))


def _by_name(jobs: Sequence[Job]) -> list[list[Job]]:
    groups = defaultdict(list)
    for job in jobs:
        # Some file systems take `a.png`, `A.PNG` and two spellings of an umlaut for one name.
        groups[unicodedata.normalize("NFC", str(job.target)).casefold()].append(job)
    return list(groups.values())


def _suffix(source: Path, format: Format) -> str:
    if format != "auto":
        return f".{format}"
    # A suffix that says nothing, or that nothing can be written as: PNG holds every image.
    return source.suffix if source.suffix.lower() in WRITABLE_SUFFIXES else ".png"


def _with_end(path: Path, end: str) -> Path:
    return path.with_name(f"{path.stem}_{end}{path.suffix}")
