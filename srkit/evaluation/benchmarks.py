"""The benchmark sets of the super-resolution papers, by name, in a folder of data sets.

Convention
    A set is looked for as NAME, NAME/HR, benchmarks/NAME, benchmark/NAME/HR and so on under the
    root: the layouts in which the sets are passed around. Names are matched in any case.
    A set that is not there is an error that says where it was looked for, never a gap in a table.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from srkit.errors import DataError
from srkit.images import image_files

DATA_ROOT_VARIABLE = "SRKIT_DATA"
HINT = f"--data-root DIR, or the environment variable {DATA_ROOT_VARIABLE}, says where data sets are"


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A published set: the names its folder goes by and how many images it has."""

    names: tuple[str, ...]
    images: int


# `bsds100` and the others are what torchSR, BasicSR and the papers call the same 100 images.
BENCHMARKS: dict[str, Benchmark] = {
    "Set5": Benchmark(names=("Set5",), images=5),
    "Set14": Benchmark(names=("Set14",), images=14),
    "B100": Benchmark(names=("B100", "BSD100", "BSDS100"), images=100),
    "Urban100": Benchmark(names=("Urban100",), images=100),
    "Manga109": Benchmark(names=("Manga109",), images=109),
}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A folder of HR images and the name it is reported under."""

    name: str
    folder: Path
    expected: int | None = None
    """How many images the published set has; None for any other folder."""


def find_dataset(name_or_folder: str, data_root: Path | None = None) -> Dataset:
    """Find a benchmark by name, or take any folder of images.

    A benchmark's name means the set under `data_root` (or, without it, under the folder that the
    environment variable SRKIT_DATA names); anything else is the path of a folder.

    Raises: DataError saying where it was looked for.
    """
    by_name = {name.lower(): key for key, one in BENCHMARKS.items() for name in one.names}
    key = by_name.get(name_or_folder.lower())
    if key is None:
        folder = Path(name_or_folder)
        if not folder.is_dir():
            what = "a file, not a folder of images" if folder.exists() else "no such folder"
            raise DataError(
                f"{name_or_folder}: {what}",
                hint=f"give a folder of images, or a set by name: {', '.join(BENCHMARKS)}",
            )
        return Dataset(name=folder.resolve().name or str(folder), folder=folder)
    if data_root is None:
        root = os.environ.get(DATA_ROOT_VARIABLE)
        if not root:
            raise DataError(f"{key}: not looked for, no folder of data sets is known", hint=HINT)
        data_root = Path(root)
    candidates = [
        data_root / parent / name / child
        for name in BENCHMARKS[key].names
        for parent in ("", "benchmarks", "benchmark")
        for child in ("", "HR")
    ]
    for folder in candidates:
        if folder.is_dir() and image_files(folder, recursive=False):
            return Dataset(name=key, folder=folder, expected=BENCHMARKS[key].images)
    looked = ", ".join(str(folder) for folder in candidates)
    raise DataError(f"{key}: no images found, looked in {looked}", hint=HINT)
