"""Scoring a run's averaged weights on its validation sets, shared between its processes.

Every process takes every n-th image; the numbers of all images are gathered, put into the images'
order and averaged once, so that totals are exact however many processes there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import gather_object

from srkit.data.pairs import Pair, prepare
from srkit.errors import ConfigError
from srkit.evaluation.benchmarks import find_dataset
from srkit.evaluation.evaluate import score
from srkit.models.model import Model
from srkit.training.config import ValidationImages
from srkit.training.score import SetScore


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
    settings: Sequence[ValidationImages], data_root: Path | None
) -> list[tuple[str, Path, Path | None]]:
    """Give the name, the HR folder and the LR folder of every set, before anything is read.

    Raises: DataError for a set that is not there; ConfigError for two sets of one name.
    """
    found = []
    for one in settings:
        dataset = find_dataset(one.dataroot_gt, data_root)
        lr = None if one.dataroot_lq is None else Path(one.dataroot_lq)
        found.append((one.name or dataset.name, dataset.folder, lr))
    names = [name for name, _, _ in found]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"datasets.val: two sets of the same name in {', '.join(names)}",
            hint="give them names: datasets.val.0.name",
        )
    return found


def load_sets(
    found: Sequence[tuple[str, Path, Path | None]], scale: int, bands: int = 3
) -> list[ValidationSet]:
    """Read the pairs of every set, of images with so many bands.

    Raises: DataError and ImageError as `srkit.data.pairs.prepare`.
    """
    return [
        ValidationSet(name=name, pairs=prepare(folder, scale, lr_folder=lr, bands=bands))
        for name, folder, lr in found
    ]


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
