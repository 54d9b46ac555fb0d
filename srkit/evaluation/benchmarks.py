"""The benchmark sets of the super-resolution papers, by name, in a folder of data sets.

Convention
    A set is looked for as NAME, NAME/HR, benchmarks/NAME, benchmark/NAME/HR and so on under the
    root: the layouts in which the sets are passed around. Its name may be given in any case.
    A set that is not there is an error that says where it was looked for, never a gap in a table;
    only DIV2K's validation images, `DIV2K-valid`, are downloaded, and when they are fetched, not
    when they are found.
"""

from dataclasses import dataclass
from pathlib import Path

from srkit.data import div2k
from srkit.data.datasets import DEFAULT_ROOT, Say, fetch_div2k, find_div2k
from srkit.data.div2k import Archive
from srkit.errors import DataError
from srkit.images import image_files
from srkit.images.naming import display_name


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """A published set: the names its folder goes by and how many images it has."""

    names: tuple[str, ...]
    images: int


# B100 is the 100 test images of BSD300, which other tools call by the other names.
BENCHMARKS: dict[str, Benchmark] = {
    "Set5": Benchmark(names=("Set5",), images=5),
    "Set14": Benchmark(names=("Set14",), images=14),
    "B100": Benchmark(names=("B100", "BSD100", "BSDS100"), images=100),
    "Urban100": Benchmark(names=("Urban100",), images=100),
    "Manga109": Benchmark(names=("Manga109",), images=109),
}


DIV2K_VALID = "DIV2K-valid"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A folder of HR images and the name it is reported under."""

    name: str
    folder: Path
    expected: int | None = None
    """How many images the published set has; None for any other folder."""
    archive: Archive | None = None
    """What is fetched where the folder is not there."""

    def fetch(self, data_root: Path | None = None, *, say: Say = lambda line: None) -> None:
        """Download the images if they are not there and can be, into the root they were sought in.

        Raises: DataError when they cannot.
        """
        if self.archive is not None:
            fetch_div2k(self.archive, data_root, say=say)

    def shortfall(self) -> str | None:
        """Say that the folder does not hold as many images as the published set, if so."""
        found = len(image_files(self.folder, recursive=False))
        if self.expected in (None, found):
            return None
        return (
            f"{self.name} has {self.expected} images, {display_name(self.folder)} holds {found}: "
            "not comparable with published numbers"
        )


def find_dataset(name_or_folder: str, data_root: Path | None = None) -> Dataset:
    """Find a benchmark by name under `data_root` (by default "datasets"), or take any folder.

    Raises: DataError saying where it was looked for.
    """
    if name_or_folder.lower() == DIV2K_VALID.lower():
        archive = div2k.HR["valid"]
        return Dataset(
            name=DIV2K_VALID,
            folder=find_div2k(archive, data_root),
            expected=archive.images,
            archive=archive,
        )
    by_name = {name.lower(): key for key, one in BENCHMARKS.items() for name in one.names}
    key = by_name.get(name_or_folder.lower())
    if key is None:
        folder = Path(name_or_folder)
        if not folder.is_dir():
            names = ", ".join((*BENCHMARKS, DIV2K_VALID))
            what = "a file, not a folder of images" if folder.exists() else "no such folder"
            raise DataError(
                f"{display_name(folder)}: {what}",
                hint=f"give a folder of images, or a set by name: {names}",
            )
        return Dataset(name=display_name(folder.resolve().name or folder), folder=folder)
    root = DEFAULT_ROOT if data_root is None else data_root
    places = [
        "/".join(part for part in (parent, name, child) if part)
        for name in BENCHMARKS[key].names
        for parent in ("", "benchmarks", "benchmark")
        for child in ("", "HR")
    ]
    for place in places:
        folder = root / place
        if folder.is_dir() and image_files(folder, recursive=False):
            return Dataset(name=key, folder=folder, expected=BENCHMARKS[key].images)
    raise DataError(
        f"{key}: not found under {display_name(root)} (looked for {', '.join(places)})",
        hint="--data-root DIR, or SRKIT_DATA in the environment, says where data sets are",
    )
