"""Enlarge files and folders of them: everything is checked first, then nothing stops it.

What can be seen to be wrong beforehand (options, names, the model) raises before any work starts.
From then on an image that fails is reported and the next one is taken; results are written whole
or not at all, so that after an interruption `existing="skip"` goes on where it ended. Images are
run one at a time and share nothing, so no result depends on the others.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from srkit.errors import ConfigError
from srkit.images import (
    DEFAULT_MAX_PIXELS,
    MetadataPolicy,
    count_kinds,
    read_image,
    write_image,
)
from srkit.images.naming import display_name, one_line
from srkit.inference.device import choose_device
from srkit.inference.family import load_family
from srkit.inference.jobs import Existing, plan_jobs
from srkit.inference.refusals import reason
from srkit.inference.result_names import Format, Job
from srkit.inference.sizes import Enlargement
from srkit.inference.tile_runner import Tiling
from srkit.inference.upscaler import Alpha, upscale_image

# The largest image read may be enlarged by 4; a smaller one by more.
OUTPUT_PIXELS_PER_INPUT_PIXEL = 16


@dataclass(frozen=True, kw_only=True)
class Done(Job):
    """A result that was written."""

    height: int
    width: int


@dataclass(frozen=True, kw_only=True)
class Refused(Job):
    """An image without a result."""

    reason: str
    """One line that names the file."""


@dataclass(kw_only=True)
class Report:
    """What became of every image."""

    planned: list[Job] = field(default_factory=list)
    """With a dry run: what would be done."""
    done: list[Done] = field(default_factory=list)
    skipped: list[Job] = field(default_factory=list)
    """Their results were there already."""
    refused: list[Refused] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """Count them.

        >>> Report().summary
        '0 done, 0 refused'
        """
        parts = [f"{len(self.done)} done", f"{len(self.refused)} refused"]
        if self.skipped:
            parts.insert(1, f"{len(self.skipped)} skipped")
        return ", ".join(parts)

    def as_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Give the report as plain values."""
        return {
            state: [{key: _plain(value) for key, value in entry.items()} for entry in entries]
            for state, entries in asdict(self).items()
        }


class Watcher:
    """Is told how a batch goes; override what is of interest."""

    def begin(self, images: int) -> None:
        """Before the first image."""

    def start(self, job: Job) -> None:
        """Before an image."""

    def tile(self, done: int, total: int) -> None:
        """After some of an image's tiles."""

    def done(self, result: Done) -> None:
        """After an image that was enlarged."""

    def refused(self, failure: Refused) -> None:
        """After an image that failed."""

    def notice(self, text: str) -> None:
        """When something went otherwise than asked; one line."""


def upscale_all(
    inputs: Sequence[Path],
    output: Path,
    *,
    model: str = "lapwave-m",
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    into_folder: bool = False,
    recursive: bool = True,
    format: Format = "auto",
    existing: Existing = "error",
    alpha: Alpha = "bicubic",
    tiling: Tiling | None = None,
    device: str = "auto",
    quality: int | None = None,
    lossless: bool = False,
    metadata: MetadataPolicy = "private",
    max_pixels: int = DEFAULT_MAX_PIXELS,
    dry_run: bool = False,
    watcher: Watcher | None = None,
) -> Report:
    """Enlarge images, and all images in folders, into the `output` folder (or file).

    See `srkit.inference.jobs` for the names of the results, `.family` for `model`, `.sizes` for
    scale, width and height (the default is the model's scale, or 4). `max_pixels` limits what is
    read, and 16 times as many pixels what it becomes.

    Raises: ConfigError and CheckpointError for what is wrong before the work starts.
    """
    watcher = watcher or Watcher()
    family = load_family(model, choose_device(device))
    enlargement = Enlargement(
        scale=family.scale if scale is width is height is None else scale,
        width=width,
        height=height,
    )
    plan = plan_jobs(
        inputs,
        output,
        tag=f"{enlargement.label}_{family.label}",
        into_folder=into_folder,
        recursive=recursive,
        format=format,
        existing=existing,
    )
    if plan.left_out:
        first = display_name(plan.left_out[0])
        watcher.notice(f"{len(plan.left_out)} results of an earlier run left out, such as {first}")
    report = Report(skipped=plan.skipped)
    if dry_run:
        report.planned = plan.work
        _tell_of_others(plan.others, watcher)
        return report
    _prepare(plan.folder)

    def enlarge(job: Job) -> Done:
        image = read_image(job.source, max_pixels=max_pixels)
        enlarged = upscale_image(
            family.modules,
            image,
            size=enlargement.size(image.height, image.width),
            alpha=alpha,
            tiling=tiling,
            max_pixels=OUTPUT_PIXELS_PER_INPUT_PIXEL * max_pixels,
            progress=watcher.tile,
            notice=lambda text: watcher.notice(f"{display_name(job.source)}: {text}"),
        )
        job.target.parent.mkdir(parents=True, exist_ok=True)
        write_image(job.target, enlarged, quality=quality, lossless=lossless, metadata=metadata)
        return Done(**vars(job), height=enlarged.height, width=enlarged.width)

    watcher.begin(len(plan.work))
    for job in plan.work:
        watcher.start(job)
        try:
            done = enlarge(job)
        except Exception as error:  # whatever it is, it must not stop the other images
            refused = Refused(**vars(job), reason=reason(job.source, error))
            report.refused.append(refused)
            watcher.refused(refused)
        else:
            report.done.append(done)
            watcher.done(done)
    _tell_of_others(plan.others, watcher)
    return report


def _tell_of_others(others: Sequence[Path], watcher: Watcher) -> None:
    if others:
        watcher.notice(f"left alone: {count_kinds(others)}")


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{display_name(folder)}: cannot be made: {one_line(error.strerror or str(error))}"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"{display_name(folder)}: no permission to write into this folder")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
