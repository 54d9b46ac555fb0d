"""Training sets by name: DIV2K, downloaded, verified and unpacked once; or any folder.

Agustsson and Timofte, "NTIRE 2017 Challenge on Single Image Super-Resolution: Dataset and Study",
CVPR Workshops 2017. DIV2K may be used for academic research only.
"""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from srkit.data.download import download
from srkit.errors import DataError

DEFAULT_ROOT = Path("datasets")


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A zip file of images: where it is, what it must hold."""

    folder: str
    """The one folder inside the archive, which the unpacked images are put in as well."""
    md5: str
    images: int


DIV2K_ADDRESS = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
DIV2K_TRAIN = Archive(folder="DIV2K_train_HR", md5="bdc2d9338d4e574fe81bf7d158758658", images=800)


def resolve_dataset(
    name: str, data_root: Path | None = None, *, say: Callable[[str], None] = lambda line: None
) -> Path:
    """Give the folder of HR images for `DIV2K` (fetched when it is not there) or for a folder.

    The address can be replaced by a mirror's in the environment variable SRKIT_DIV2K_URL.

    Raises: DataError when it is neither, or cannot be fetched.
    """
    if name.upper() == "DIV2K":
        address = os.environ.get("SRKIT_DIV2K_URL", DIV2K_ADDRESS)
        return fetch(DIV2K_TRAIN, address, (data_root or DEFAULT_ROOT) / "DIV2K", say=say)
    folder = Path(name)
    if folder.is_dir():
        return folder
    raise DataError(
        f"--dataset {name}: no such folder, and no data set srkit knows by name",
        hint="DIV2K, or a folder of images",
    )


def fetch(
    archive: Archive,
    address: str,
    root: Path,
    *,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Give the folder of an archive's images under `root`, downloading and unpacking as needed.

    The images appear under their final folder all at once, and the archive is then removed.

    Raises: DataError when it cannot be downloaded, is not the archive expected or cannot be
        unpacked.
    """
    folder = root / archive.folder
    if folder.is_dir():
        _require_complete(folder, archive)
        return folder
    path = root / f"{archive.folder}.zip"
    say(f"downloading {archive.folder} to {root} (DIV2K: academic use only)")
    told = -1

    def progress(have: int, total: int) -> None:
        nonlocal told
        tenth = 10 * have // total if total else 0
        if tenth > told:
            told = tenth
            say(f"{archive.folder}: {have / 1e6:,.0f} of {total / 1e6:,.0f} MB")

    url = f"{address.rstrip('/')}/{archive.folder}.zip"
    download(url, path, checksum=f"md5:{archive.md5}", progress=progress)
    say(f"unpacking {path.name}")
    unpack(path, archive, folder)
    path.unlink()
    return folder


def unpack(path: Path, archive: Archive, folder: Path) -> None:
    """Unpack the images of an archive into `folder`, which appears only when all are there.

    Raises: DataError when the file is no such archive or the disk refuses.
    """
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with zipfile.ZipFile(path) as file:
            for entry in file.infolist():
                # Only the image's own name is used: an entry cannot point outside the folder.
                name = Path(entry.filename).name
                if entry.is_dir() or not name.lower().endswith(".png"):
                    continue
                with file.open(entry) as source, (temporary / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
        _require_complete(temporary, archive, shown=path)
        temporary.chmod(0o755)  # mkdtemp keeps others out
        temporary.replace(folder)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: cannot be unpacked ({error})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _require_complete(folder: Path, archive: Archive, shown: Path | None = None) -> None:
    found = sum(1 for _ in folder.glob("*.png"))
    if found != archive.images:
        raise DataError(
            f"{shown or folder}: holds {found} PNG images, {archive.folder} has {archive.images}",
            hint=None if shown else "remove the folder to download it again",
        )
