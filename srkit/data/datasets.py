"""Training sets by name: DIV2K, downloaded, verified and unpacked once; or any folder."""

import os
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from srkit.data import div2k
from srkit.data.div2k import Archive
from srkit.data.download import download
from srkit.data.lock import alone_in
from srkit.errors import ConfigError, DataError
from srkit.images.naming import display_name

DEFAULT_ROOT = Path("datasets")
DIV2K_SUB_IMAGES = 480  # HR pixels, the size the field cuts DIV2K into

Say = Callable[[str], None]
NAMES = {"div2k": "train", "div2k-valid": "valid"}
"""Sets that are fetched, in lower case, and the part of DIV2K each stands for."""


@dataclass(frozen=True, kw_only=True)
class TrainingFolder:
    """HR images, perhaps with LR images of their own."""

    hr: Path
    lr: Path | None = None
    weight: float | None = None
    """How often it is drawn from, against the others; None = by its number of positions."""
    sub_image_size: int = 0
    """Side of the parts its images are cut into, in HR pixels; 0 = left whole."""
    archives: tuple[Archive, ...] = ()
    """What is fetched where the folders are not there: the HR images, and perhaps the LR images."""


def find_folders(
    roots: Sequence[str],
    *,
    scale: int,
    lr: Sequence[str | None] | None = None,
    weights: Sequence[float] | None = None,
    lr_track: str | None = None,
    sub_image_size: int | None = None,
    data_root: Path | None = None,
) -> list[TrainingFolder]:
    """Find every folder a run trains on; those of DIV2K need not be there yet.

    `lr` has a folder of LR images for each root, or None where they are made.

    Raises: DataError for a folder that is not there, or of DIV2K but not whole; ConfigError for a
        track without DIV2K, and for LR images inside their own HR folder.
    """
    if lr_track is not None and not any(root.lower() in NAMES for root in roots):
        raise ConfigError(
            f"lr_track: {lr_track} is a track of DIV2K, {', '.join(roots)} is not",
            hint="give a folder of LR images by --lr-folder",
        )
    found = []
    for index, root in enumerate(roots):
        split = NAMES.get(root.lower())
        archives = [] if split is None else [div2k.HR[split]]
        hr = find_div2k(archives[0], data_root) if archives else resolve_dataset(root)
        name = None if lr is None else lr[index]
        given = None if name is None else _lr_folder(name, hr)
        if split is not None and lr_track is not None:
            archives.append(div2k.lr_archive(split, lr_track, scale))
            given = find_div2k(archives[-1], data_root)
        standard = DIV2K_SUB_IMAGES if split is not None else 0
        found.append(
            TrainingFolder(
                hr=hr,
                lr=given,
                weight=None if weights is None else weights[index],
                sub_image_size=standard if sub_image_size is None else sub_image_size,
                archives=tuple(archives),
            )
        )
    return found


def fetch_folders(
    folders: Sequence[TrainingFolder],
    data_root: Path | None = None,
    *,
    say: Say = lambda line: None,
) -> None:
    """Fetch what the folders that were found still lack.

    Raises: DataError for what cannot be fetched.
    """
    for folder in folders:
        for archive in folder.archives:
            fetch_div2k(archive, data_root, say=say)


def _lr_folder(name: str, hr: Path) -> Path:
    folder = Path(name)
    if not folder.is_dir():
        raise DataError(f"{name}: no such folder of LR images")
    if folder.resolve().is_relative_to(hr.resolve()):
        raise ConfigError(
            f"{name}: lies inside the HR folder {display_name(hr)}, whose images are "
            "searched for recursively",
            hint="put HR and LR images into folders beside each other",
        )
    return folder


def resolve_dataset(
    name: str, data_root: Path | None = None, *, say: Say = lambda line: None
) -> Path:
    """Give the folder of HR images of `DIV2K` or `DIV2K-valid` (fetched when needed), or a folder.

    Raises: DataError when it is neither, or cannot be fetched.
    """
    split = NAMES.get(name.lower())
    if split is not None:
        return fetch_div2k(div2k.HR[split], data_root, say=say)
    folder = Path(name)
    if folder.is_dir():
        return folder
    raise DataError(
        f"{name}: no such folder, and no data set srkit knows by name",
        hint="DIV2K, or a folder of images: --dataset, or datasets.train.dataroot_gt",
    )


def find_div2k(archive: Archive, data_root: Path | None = None) -> Path:
    """Give the folder that the images of an archive of DIV2K are in, or will be.

    Raises: DataError for a folder that is there but not whole.
    """
    folder = _div2k_root(data_root) / archive.folder
    if folder.is_dir():
        _require_complete(folder, archive)
    return folder


def _div2k_root(data_root: Path | None) -> Path:
    return (data_root or DEFAULT_ROOT) / "DIV2K"


def fetch_div2k(
    archive: Archive, data_root: Path | None = None, *, say: Say = lambda line: None
) -> Path:
    """Fetch an archive of DIV2K into `data_root`/DIV2K.

    The address can be replaced by a mirror's in the environment variable SRKIT_DIV2K_URL.
    """
    address = os.environ.get("SRKIT_DIV2K_URL") or div2k.ADDRESS
    return fetch(archive, address, _div2k_root(data_root), say=say)


def fetch(archive: Archive, address: str, root: Path, *, say: Say = lambda line: None) -> Path:
    """Give the folder of an archive's images under `root`, downloading and unpacking as needed.

    The images appear under their final folder all at once, and the archive is then removed.

    Raises: DataError when it cannot be downloaded, is not the archive expected or cannot be
        unpacked.
    """
    folder = root / archive.folder
    if not folder.is_dir():
        with alone_in(root, lambda: say(f"waiting for another process in {root}")):
            if not folder.is_dir():
                _download_and_unpack(archive, address, root, folder, say)
    _require_complete(folder, archive)
    return folder


def _download_and_unpack(
    archive: Archive, address: str, root: Path, folder: Path, say: Say
) -> None:
    path = root / f"{archive.name}.zip"
    say(f"downloading {archive.name} to {root} (DIV2K: academic use only)")
    told = -1

    def progress(have: int, total: int) -> None:
        nonlocal told
        tenth = 10 * have // total if total else 0
        if tenth > told:
            told = tenth
            say(f"{archive.name}: {have / 1e6:,.0f} of {total / 1e6:,.0f} MB")

    url = f"{address.rstrip('/')}/{archive.name}.zip"
    download(url, path, checksum=f"md5:{archive.md5}", progress=progress)
    say(f"unpacking {path.name}")
    unpack(path, archive, folder)
    path.unlink()


def unpack(path: Path, archive: Archive, folder: Path) -> None:
    """Unpack the images of an archive into `folder`, which appears only when all are there.

    Raises: DataError when the file is no such archive or the disk refuses.
    """
    temporary = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
        temporary.mkdir(parents=True)
        with zipfile.ZipFile(path) as file:
            for entry in file.infolist():
                # Only the image's own name is used: an entry cannot point outside the folder.
                name = Path(entry.filename).name
                if entry.is_dir() or not name.lower().endswith(".png"):
                    continue
                with file.open(entry) as source, (temporary / name).open("wb") as target:
                    shutil.copyfileobj(source, target)
                    target.flush()
                    os.fsync(target.fileno())  # the folder's name must not outlive a power cut
        _require_complete(temporary, archive, shown=path)
        temporary.replace(folder)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}: cannot be unpacked ({error})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _require_complete(folder: Path, archive: Archive, shown: Path | None = None) -> None:
    found = sum(1 for _ in folder.glob("*.png"))
    if found != archive.images:
        raise DataError(
            f"{shown or folder}: holds {found} PNG images, {archive.name} has {archive.images}",
            hint=None if shown else "remove the folder to download it again",
        )
