"""Which file becomes which: the whole plan of a batch, made and checked before any work starts.

Convention
    A file goes into the output folder under its own name, a folder's files under their paths
    within it. Written beside its source, a result is called `photo_4x_lapwave-m.png`. Results that
    would share a name, also where only upper and lower case differ, get their source's suffix in
    it: `a_png.png`, `a_jpg.png`; when that is not enough, nothing is done.
    The results of earlier runs are left out: what lies in the output folder, if that is inside an
    input folder, and what has such a name beside its source, unless it is the only file given.
    An input is never overwritten.
"""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from srkit.errors import ConfigError
from srkit.images import OTHER_SUFFIXES, WRITABLE_SUFFIXES, image_files, no_images, other_images
from srkit.images.naming import display_name
from srkit.inference.result_names import (
    Format,
    Job,
    name_result,
    occupied,
    real,
    renamed,
    tell_apart,
)

Existing = Literal["error", "skip", "overwrite", "rename"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is to do."""

    folder: Path
    """Where the results go, or the folders they go into."""
    work: list[Job]
    skipped: list[Job]
    """Whose results are there already."""
    left_out: list[Path]
    """Images that look like results of an earlier run."""
    others: list[Path]
    """Images of kinds that srkit does not read."""


def plan_jobs(
    inputs: Sequence[Path],
    output: Path,
    *,
    tag: str,
    into_folder: bool = False,
    recursive: bool = True,
    format: Format = "auto",
    existing: Existing = "error",
) -> Plan:
    """Say what becomes of each image, looking at names only.

    `output` is a folder, or a file when there is one input file and it has an image's suffix;
    with `into_folder` a folder whatever its name.
    `tag` names the work, `4x_lapwave-m`, for results beside their sources.

    Raises: ConfigError for an input that is not there, a folder without images, a file's name of
        no format srkit writes, results that would share a name, exist already (with
        existing="error"), or are inputs themselves.
    """
    left_out: list[Path] = []
    if not into_folder and _is_file_name(output, inputs):
        folder, jobs = output.parent, [_single(inputs, output, format)]
    else:
        folder, jobs = output, []
        for source, root in find_images(inputs, recursive):
            job = name_result(source, root, output, tag=tag, format=format)
            alone = len(inputs) == 1 and source == inputs[0]
            if _is_earlier_result(job, root, output, tag) and not alone:
                left_out.append(source)
            else:
                jobs.append(job)
    # An image named twice is one image; by its folder and by itself, say.
    once = {(real(job.source), job.target): job for job in jobs}
    jobs = tell_apart(list(once.values()))
    if existing == "rename":
        jobs = renamed(jobs)
    _spare_the_inputs(jobs)
    there = [job for job in jobs if occupied(job.target)]
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
        others=find_others(inputs, recursive),
    )


def _means_a_file(suffix: str) -> bool:
    """Tell a kind of files, `.gif` or `.jp2`, from the end of a folder's name, `.2` or `.x4`."""
    return suffix[1:].isalpha() or suffix.lower() in OTHER_SUFFIXES


def _is_file_name(output: Path, inputs: Sequence[Path]) -> bool:
    kind = _kind(output)
    known = output.suffix.lower() in WRITABLE_SUFFIXES
    if kind == "file" and not known:
        raise ConfigError(f"{display_name(output)}: a file, but a folder is needed")
    one_file = len(inputs) == 1 and _kind(inputs[0]) == "file"
    # `x.gif` is meant as a file, `v1.2` and `set.x4` hardly.
    if kind is None and not known and one_file and _means_a_file(output.suffix):
        name, suffixes = display_name(output), ", ".join(sorted(WRITABLE_SUFFIXES))
        raise ConfigError(
            f"{name}: not a format srkit writes",
            hint=f"choose one of {suffixes}; {name}/ makes a folder",
        )
    return known and kind != "folder"


def _single(inputs: Sequence[Path], output: Path, format: Format) -> Job:
    if len(inputs) != 1 or _require(inputs[0]) == "folder":
        raise ConfigError(
            f"{display_name(output)}: the name of one image, but there are more to enlarge",
            hint="give a folder",
        )
    if format != "auto":
        raise ConfigError(
            f"{display_name(output)}: the name of a file says its format",
            hint="--format is for folders",
        )
    return Job(source=inputs[0], target=output)


def find_images(inputs: Sequence[Path], recursive: bool) -> list[tuple[Path, Path]]:
    """Give each image with the folder that its place is counted from.

    Raises: ConfigError for an input that is not there, and a folder without images.
    """
    sources: list[tuple[Path, Path]] = []
    for given in inputs:
        if _require(given) == "file":
            sources.append((given, given.parent))
            continue
        found = image_files(given, recursive)
        if not found:
            raise ConfigError(no_images(given, recursive))
        sources += ((source, given) for source in found)
    return sources


def find_others(inputs: Sequence[Path], recursive: bool) -> list[Path]:
    """Give each image of a kind srkit does not read that the folders among the inputs hold."""
    folders = [given for given in inputs if _kind(given) == "folder"]
    found = {real(path): path for folder in folders for path in other_images(folder, recursive)}
    return list(found.values())


def _is_earlier_result(job: Job, root: Path, output: Path, tag: str) -> bool:
    results, given = real(output), real(root)
    if results != given and results.is_relative_to(given):
        return real(job.source.parent).is_relative_to(results)
    return job.beside_source and job.source.stem.endswith(f"_{tag}")


def _spare_the_inputs(jobs: Sequence[Job]) -> None:
    sources = {real(job.source) for job in jobs}
    for job in jobs:
        if real(job.target) in sources:
            raise ConfigError(
                f"{display_name(job.target)}: an input, which its result would overwrite",
                hint="give another output folder",
            )


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
