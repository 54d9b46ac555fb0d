"""Which file becomes which: the whole plan of a batch, made and checked before any work starts.

Convention
    A file goes into the output folder under its own name, a folder's files under their paths
    within it. Written beside its source, a result is called `photo_4x_lapwave-m.png`. Results that
    would share a name, also where only upper and lower case differ, get their source's suffix in
    it: `a_png.png`, `a_jpg.png`; when that is not enough, nothing is done.
    Of an input folder, the results of earlier runs are left out: the output folder, if it lies
    inside, and what has such a name beside its source. An input is never overwritten.
"""

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Literal

from srkit.errors import ConfigError
from srkit.images import WRITABLE_SUFFIXES, image_files
from srkit.images.naming import display_name

Format = Literal["auto", "png", "jpg", "webp", "tif"]
Existing = Literal["error", "skip", "overwrite", "rename"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One image to read and the file to write."""

    source: Path
    target: Path


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is to do."""

    folder: Path
    """Where the results go, or the folders they go into."""
    work: list[Job]
    skipped: list[Job]
    """Whose results are there already."""
    left_out: list[Path]
    """Images of input folders that look like results of an earlier run."""


def plan_jobs(
    inputs: Sequence[Path],
    output: Path,
    *,
    tag: str,
    recursive: bool = True,
    format: Format = "auto",
    existing: Existing = "error",
) -> Plan:
    """Say what becomes of each image, looking at names only.

    `output` is a folder, or a file when there is one input file and it has an image's suffix.
    `tag` names the work, `4x_lapwave-m`, for results beside their sources.

    Raises: ConfigError for an input that is not there, a folder without images, results that
        would share a name, exist already (with existing="error"), or are inputs themselves.
    """
    left_out: list[Path] = []
    if _is_file_name(output):
        folder, jobs = output.parent, [_single(inputs, output, format)]
    else:
        folder, (jobs, left_out) = output, _into_folder(inputs, output, tag, recursive, format)
    # An image named twice is one image; by its folder and by itself, say.
    once = {(_real(job.source), job.target): job for job in jobs}
    jobs = _told_apart(list(once.values()))
    if existing == "rename":
        jobs = _renamed(jobs)
    _spare_the_inputs(jobs)
    there = [job for job in jobs if _occupied(job.target)]
    if there and existing == "error":
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise ConfigError(
            f"{display_name(there[0].target)}: exists already{more}",
            hint="--existing skip, overwrite or rename",
        )
    skipped = there if existing == "skip" else []
    done = set(skipped)
    return Plan(
        folder=folder,
        work=[job for job in jobs if job not in done],
        skipped=skipped,
        left_out=left_out,
    )


def _is_file_name(output: Path) -> bool:
    kind = _kind(output)
    known = output.suffix.lower() in WRITABLE_SUFFIXES
    if kind == "file" and not known:
        raise ConfigError(f"{display_name(output)}: a file, but a folder is needed")
    return known and kind != "folder"


def _single(inputs: Sequence[Path], output: Path, format: Format) -> Job:
    if len(inputs) != 1 or _require(inputs[0]) == "folder":
        raise ConfigError(
            f"{display_name(output)}: the name of one image, but there are more to enlarge",
            hint="give a folder",
        )
    if format != "auto":
        raise ConfigError(
            f"{display_name(output)}: an output file's name says its format, --format is for folders"
        )
    return Job(source=inputs[0], target=output)


def _into_folder(
    inputs: Sequence[Path], output: Path, tag: str, recursive: bool, format: Format
) -> tuple[list[Job], list[Path]]:
    """Give the jobs, and the images left out as results of an earlier run."""
    jobs: list[Job] = []
    left_out: list[Path] = []
    results = _real(output)
    for given in inputs:
        if _require(given) == "file":
            jobs.append(_job(given, given.parent, output, tag, format))
            continue
        found = image_files(given, recursive)
        if not found:
            raise ConfigError(f"{display_name(given)}: no images in this folder")
        root = _real(given)
        nested = results != root and results.is_relative_to(root)
        for source in found:
            job = _job(source, given, output, tag, format)
            parent = _real(source.parent)
            beside = parent == _real(job.target.parent)
            if (nested and parent.is_relative_to(results)) or (
                beside and source.stem.endswith(f"_{tag}")
            ):
                left_out.append(source)
            else:
                jobs.append(job)
    return jobs, left_out


def _job(source: Path, root: Path, output: Path, tag: str, format: Format) -> Job:
    folder = output / source.relative_to(root).parent
    beside = _real(folder) == _real(source.parent)
    name = f"{source.stem}_{tag}" if beside else source.stem
    return Job(source=source, target=folder / (name + _suffix(source, format)))


def _suffix(path: Path, format: Format) -> str:
    if format != "auto":
        return f".{format}"
    # A suffix that says nothing, or that nothing can be written as: PNG holds every image.
    return path.suffix if path.suffix.lower() in WRITABLE_SUFFIXES else ".png"


def _told_apart(jobs: list[Job]) -> list[Job]:
    """Give results that share a name their source's suffix as well.

    Raises: ConfigError when that does not tell them apart.
    """
    told = [
        replace(job, target=_with_end(job.target, f"_{job.source.suffix[1:]}"))
        if len(group) > 1
        else job
        for group in _by_name(jobs).values()
        for job in group
    ]
    for group in _by_name(told).values():
        if len(group) > 1:
            first, second = (display_name(job.source) for job in group[:2])
            raise ConfigError(
                f"{first} and {second} would both become {display_name(group[0].target)}",
                hint="give them different output folders",
            )
    order = {job.source: index for index, job in enumerate(jobs)}
    return sorted(told, key=lambda job: order[job.source])


def _by_name(jobs: list[Job]) -> dict[str, list[Job]]:
    groups = defaultdict(list)
    for job in jobs:
        # Some file systems take `a.png`, `A.PNG` and two spellings of an umlaut for one name.
        groups[unicodedata.normalize("NFC", str(job.target)).casefold()].append(job)
    return groups


def _renamed(jobs: list[Job]) -> list[Job]:
    taken = {job.target for job in jobs}
    renamed = []
    for job in jobs:
        target = job.target
        if _occupied(target):
            numbered = (_with_end(target, f"_{number}") for number in count(1))
            target = next(new for new in numbered if not _occupied(new) and new not in taken)
            taken.add(target)
        renamed.append(replace(job, target=target))
    return renamed


def _spare_the_inputs(jobs: list[Job]) -> None:
    sources = {_real(job.source) for job in jobs}
    for job in jobs:
        if _real(job.target) in sources:
            raise ConfigError(
                f"{display_name(job.target)}: an input, which its result would overwrite",
                hint="give another output folder",
            )


def _with_end(path: Path, end: str) -> Path:
    return path.with_name(f"{path.stem}{end}{path.suffix}")


def _require(path: Path) -> Literal["file", "folder"]:
    kind = _kind(path)
    if kind is None:
        raise ConfigError(f"{display_name(path)}: no such file or folder")
    return kind


def _kind(path: Path) -> Literal["file", "folder"] | None:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # not there, a loop of links, a name no system takes
        return None
    return "folder" if stat.S_ISDIR(mode) else "file"


def _occupied(path: Path) -> bool:
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


def _real(path: Path) -> Path:
    # Unlike Path.resolve, which fails on a loop of links.
    return Path(os.path.realpath(path))
