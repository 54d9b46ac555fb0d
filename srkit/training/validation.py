"""Scoring a run's averaged weights on its validation sets, shared between its processes.

Every process takes every n-th image; the numbers of all images are gathered, put into the images'
order and averaged once, so that totals are exact however many processes there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import gather_object

from srkit.data.datasets import fetch_div2k, find_div2k
from srkit.data.div2k import Archive, lr_archive
from srkit.data.pairs import Pair, Source, find_sources
from srkit.data.reading_ahead import read_ahead
from srkit.data.training_files import all_of
from srkit.errors import ConfigError, DataError, SrkitError
from srkit.evaluation.benchmarks import DIV2K_VALID, Dataset, find_dataset
from srkit.evaluation.evaluate import score
from srkit.models.model import Model
from srkit.training.config import ValidationImages
from srkit.training.score import SetScore
from srkit.training.watch import Watcher


@dataclass(frozen=True, kw_only=True)
class FoundSet:
    """A set by name, of which nothing is read; it may not be downloaded yet."""

    name: str
    dataset: Dataset
    lr: Path | None
    """A folder of LR images."""
    lr_archive: Archive | None = None
    """What is fetched where that folder is not there."""

    @property
    def absent(self) -> tuple[str, ...]:
        """The archives that have to be downloaded, by name."""
        pairs = ((self.dataset.archive, self.dataset.folder), (self.lr_archive, self.lr))
        return tuple(
            archive.name
            for archive, folder in pairs
            if archive is not None and folder is not None and not folder.is_dir()
        )

    def images(self, scale: int) -> int:
        """Count the images.

        Raises: DataError as `srkit.data.pairs.find_sources`.
        """
        if self.absent:
            return self.dataset.expected or 0
        return len(find_sources(self.dataset.folder, scale, lr_folder=self.lr))


@dataclass(frozen=True, kw_only=True)
class ValidationSet:
    """A set by name, its pairs held in memory."""

    name: str
    pairs: list[Pair]


@dataclass(frozen=True, kw_only=True)
class Score(SetScore):
    """The means over the images of a set."""

    psnr: float
    ssim: float

    @property
    def numbers(self) -> dict[str, float]:
        """Give both by name."""
        return {"psnr": self.psnr, "ssim": self.ssim}


def find_sets(
    settings: Sequence[ValidationImages], data_root: Path | None, *, scale: int
) -> list[FoundSet]:
    """Find every set, before anything is read or downloaded.

    Raises: DataError for a set that is not there; ConfigError for two sets of one name, and a
        track of a set that has none.
    """
    found = []
    for one in settings:
        dataset = find_dataset(one.dataroot_gt, data_root)
        lr = None if one.dataroot_lq is None else Path(one.dataroot_lq)
        archive = None
        if one.lr_track is not None:
            if dataset.archive is None:
                raise ConfigError(
                    f"datasets.val: lr_track: {one.lr_track} is a track of {DIV2K_VALID}, "
                    f"{one.dataroot_gt} is not",
                    hint="give a folder of LR images by dataroot_lq",
                )
            archive = lr_archive("valid", one.lr_track, scale)
            lr = find_div2k(archive, data_root)
        name = one.name or dataset.name
        found.append(FoundSet(name=name, dataset=dataset, lr=lr, lr_archive=archive))
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"datasets.val: two sets of the same name in {', '.join(names)}",
            hint="give them names: datasets.val.0.name",
        )
    return found


def fetch_sets(found: Sequence[FoundSet], data_root: Path | None, watcher: Watcher) -> None:
    """Download the sets that are not there, and warn of those that are not whole.

    Raises: DataError for a set that cannot be downloaded.
    """
    for one in found:
        one.dataset.fetch(data_root, say=watcher.said)
        if one.lr_archive is not None:
            fetch_div2k(one.lr_archive, data_root, say=watcher.said)
        if shortfall := one.dataset.shortfall():
            watcher.warn(shortfall)


def load_sets(found: Sequence[FoundSet], scale: int, bands: int = 3) -> list[ValidationSet]:
    """Read the pairs of every set, of images with so many bands.

    Raises: DataError naming the set and every image of it that cannot be used.
    """
    return [ValidationSet(name=one.name, pairs=_load_pairs(one, scale, bands)) for one in found]


def _load_pairs(found: FoundSet, scale: int, bands: int) -> list[Pair]:
    sources = find_sources(found.dataset.folder, scale, lr_folder=found.lr)
    pairs: list[Pair] = []
    problems: list[SrkitError] = []
    for _, loaded in read_ahead(sources, partial(Source.load, scale=scale, bands=bands)):
        if isinstance(loaded, SrkitError):
            problems.append(loaded)
        else:
            pairs.append(loaded)
    if problems:
        named = all_of(problems, len(sources), use="scored on")
        raise DataError(f"validation set {found.name}: {named}", hint=named.hint)
    return pairs


def protocol_of(model: Model) -> str:
    """Give the protocol a model is validated under.

    An autoencoder gives back what it was given, colours included: luma alone would flatter it.
    Bands that are no RGB have no luma.
    """
    if model.image_channels != 3:
        return "sr-bands"
    return "sr-rgb" if model.scale == 1 else "sr-y"


def validate(model: Model, validation: ValidationSet, engine: Accelerator) -> Score:
    """Score a model on one set; every process of the run must call this, and gets the score."""
    protocol = protocol_of(model)
    rank, processes = engine.process_index, engine.num_processes
    mine = validation.pairs[rank::processes]
    rows = score(model, mine, protocol).rows if mine else ()
    numbers = [(rank + index * processes, row.psnr, row.ssim) for index, row in enumerate(rows)]
    every = sorted(gather_object(numbers))
    return Score(
        set_name=validation.name,
        protocol=protocol,
        psnr=sum(psnr for _, psnr, _ in every) / len(every),
        ssim=sum(ssim for _, _, ssim in every) / len(every),
    )
