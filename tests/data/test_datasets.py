"""Archives from a server: verified, resumed where they broke off, unpacked all at once or never."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from srkit.data import download as downloading
from srkit.data.datasets import TrainingFolder, fetch, find_folders, resolve_dataset
from srkit.data.div2k import Archive
from srkit.data.download import CHUNK
from srkit.errors import ConfigError, DataError

from .mirror import Mirror

TINY = Archive(name="Tiny_HR", folder="Tiny/X4", md5="0" * 32, images=4)
FILES = {f"Tiny_HR/000{n}.png": os.urandom(8 * CHUNK) for n in range(1, 5)}
LOCK = ".srkit.lock"


def left_in(root: Path) -> set[str]:
    """Name every file under a folder but the lock."""
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return files - {LOCK}


UNPACKED = {f"Tiny/X4/000{n}.png" for n in range(1, 5)}


def test_arrives_verified_and_unpacked(mirror: Mirror, tmp_path: Path) -> None:
    said: list[str] = []
    archive = mirror.publish(TINY, FILES)
    found = fetch(archive, mirror.address, tmp_path / "data", say=said.append)
    assert found == tmp_path / "data" / "Tiny" / "X4"
    assert left_in(tmp_path / "data") == UNPACKED
    for name, data in FILES.items():
        assert (found / Path(name).name).read_bytes() == data
    assert said[0] == f"downloading Tiny_HR to {tmp_path / 'data'} (DIV2K: academic use only)"
    assert said[-2] == "Tiny_HR: 2 of 2 MB"
    assert said[-1] == "unpacking Tiny_HR.zip"


def test_is_not_downloaded_twice(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    first = fetch(archive, mirror.address, tmp_path / "data")
    assert fetch(archive, mirror.address, tmp_path / "data") == first
    assert mirror.asked == [("Tiny_HR.zip", None)]


def test_an_archive_that_is_there_is_only_unpacked(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    (tmp_path / "data").mkdir()
    (mirror.folder / "Tiny_HR.zip").rename(tmp_path / "data" / "Tiny_HR.zip")
    fetch(archive, mirror.address, tmp_path / "data")
    assert mirror.asked == []
    assert left_in(tmp_path / "data") == UNPACKED


def test_goes_on_where_it_broke_off(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    mirror.break_after = 2 * CHUNK + 5000
    with pytest.raises(DataError) as caught:
        fetch(archive, mirror.address, tmp_path / "data")
    assert str(caught.value) == (
        f"{mirror.address}Tiny_HR.zip: download failed (the connection broke off)"
    )
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("run the command again to go on where it stopped")
    assert left_in(tmp_path / "data") == {"Tiny_HR.zip.part"}
    have = (tmp_path / "data" / "Tiny_HR.zip.part").stat().st_size
    assert 0 < 2 * CHUNK <= have

    said: list[str] = []
    assert fetch(archive, mirror.address, tmp_path / "data", say=said.append).is_dir()
    assert mirror.asked == [("Tiny_HR.zip", None), ("Tiny_HR.zip", f"bytes={have}-")]
    assert left_in(tmp_path / "data") == UNPACKED
    assert said[-2] == "Tiny_HR: 2 of 2 MB"


def test_starts_over_where_the_server_knows_no_ranges(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    mirror.ranges = False
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Tiny_HR.zip.part").write_bytes(b"x" * 1000)
    fetch(archive, mirror.address, tmp_path / "data")
    assert left_in(tmp_path / "data") == UNPACKED


def test_a_part_that_is_the_whole_is_only_verified(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    whole = (mirror.folder / "Tiny_HR.zip").read_bytes()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Tiny_HR.zip.part").write_bytes(whole)
    fetch(archive, mirror.address, tmp_path / "data")
    assert mirror.asked == [("Tiny_HR.zip", f"bytes={len(whole)}-")]
    assert left_in(tmp_path / "data") == UNPACKED


@pytest.mark.parametrize("part", [None, b"x" * 1000, b"x" * 10_000_000])
def test_wrong_bytes_are_refused_and_nothing_of_them_stays(
    mirror: Mirror, tmp_path: Path, part: bytes | None
) -> None:
    archive = mirror.publish(TINY, FILES)
    if part is None:
        (mirror.folder / "Tiny_HR.zip").write_bytes(b"something else")
    else:  # of another file
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "Tiny_HR.zip.part").write_bytes(part)
    with pytest.raises(DataError) as caught:
        fetch(archive, mirror.address, tmp_path / "data")
    assert str(caught.value) == (
        f"{mirror.address}Tiny_HR.zip: the file that arrived does not have the checksum "
        f"md5:{archive.md5}"
    )
    assert left_in(tmp_path / "data") == set()
    if part is not None:  # and so the next try starts with nothing wrong
        assert fetch(archive, mirror.address, tmp_path / "data").is_dir()


def test_a_missing_file_says_what_the_server_answered(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Tiny_HR\.zip: .*\(the server answered 404 Not Found"):
        fetch(TINY, mirror.address, tmp_path / "data")


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9/Tiny_HR\.zip: .*cannot be reached"):
        fetch(TINY, "http://127.0.0.1:9/", tmp_path / "data")


def test_a_server_that_falls_silent_is_left(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "TIMEOUT", 0.3)
    archive = mirror.publish(TINY, FILES)
    mirror.silent_after = CHUNK
    with pytest.raises(DataError, match=r"\(no answer for 0\.3 seconds\)"):
        fetch(archive, mirror.address, tmp_path / "data")
    assert left_in(tmp_path / "data") == {"Tiny_HR.zip.part"}


def test_an_incomplete_archive_leaves_no_folder(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    short = Archive(name=archive.name, folder=archive.folder, md5=archive.md5, images=5)
    with pytest.raises(DataError, match=r"Tiny_HR\.zip: holds 4 PNG images, Tiny_HR has 5"):
        fetch(short, mirror.address, tmp_path / "data")
    assert left_in(tmp_path / "data") == {"Tiny_HR.zip"}
    assert not (tmp_path / "data" / "Tiny" / "X4").exists()


def test_a_disk_that_fills_up_leaves_no_folder(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = mirror.publish(TINY, FILES)
    copy, left = shutil.copyfileobj, iter(range(2))

    def filling(source: IO[bytes], target: IO[bytes]) -> None:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfileobj", filling)
    with pytest.raises(DataError, match=r"Tiny_HR\.zip: cannot be unpacked \(.*No space left"):
        fetch(archive, mirror.address, tmp_path / "data")
    assert left_in(tmp_path / "data") == {"Tiny_HR.zip"}
    monkeypatch.undo()
    fetch(archive, mirror.address, tmp_path / "data")  # and nothing has to be downloaded again
    assert len(mirror.asked) == 1
    assert left_in(tmp_path / "data") == UNPACKED


def test_a_folder_that_lost_images_is_named(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    found = fetch(archive, mirror.address, tmp_path / "data")
    (found / "0003.png").unlink()
    with pytest.raises(DataError, match="X4: holds 3 PNG images, Tiny_HR has 4") as caught:
        fetch(archive, mirror.address, tmp_path / "data")
    assert caught.value.hint == "remove the folder to download it again"


def test_what_a_killed_process_had_unpacked_does_not_count(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    torn = tmp_path / "data" / "Tiny" / ".X4.part"
    torn.mkdir(parents=True)
    (torn / "0009.png").write_bytes(b"half")
    fetch(archive, mirror.address, tmp_path / "data")
    assert left_in(tmp_path / "data") == UNPACKED


def test_an_archive_cannot_write_outside_its_folder(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, {"../../escaped.png": b"image", "/etc/evil.png": b"image"})
    found = fetch(archive, mirror.address, tmp_path / "data")
    assert {path.name for path in found.iterdir()} == {"escaped.png", "evil.png"}
    assert left_in(tmp_path / "data") == {"Tiny/X4/escaped.png", "Tiny/X4/evil.png"}
    assert not (tmp_path / "escaped.png").exists()


def test_two_runs_at_once_download_once(mirror: Mirror, tmp_path: Path) -> None:
    archive = mirror.publish(TINY, FILES)
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(fetch, archive, mirror.address, tmp_path / "data") for _ in range(3)]
    assert {job.result() for job in jobs} == {tmp_path / "data" / "Tiny" / "X4"}
    assert len(mirror.asked) == 1


def test_a_folder_that_cannot_be_written_is_named(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"file.data: cannot be written"):
        fetch(mirror.publish(TINY, FILES), mirror.address, tmp_path / "file" / "data")


def test_a_folder_is_itself_and_anything_else_an_error(tmp_path: Path) -> None:
    assert resolve_dataset(str(tmp_path)) == tmp_path
    with pytest.raises(DataError) as caught:
        resolve_dataset("DIV3K")
    assert str(caught.value) == ("DIV3K: no such folder, and no data set srkit knows by name")
    assert caught.value.hint == (
        "DIV2K, or a folder of images: --dataset, or datasets.train.dataroot_gt"
    )


def test_every_folder_gets_its_own_lr_folder_and_weight(tmp_path: Path) -> None:
    a, b, a_lr = (tmp_path / name for name in ("a", "b", "a_lr"))
    for folder in (a, b, a_lr):
        folder.mkdir()
    found = find_folders(
        [str(a), str(b)],
        scale=2,
        lr=[str(a_lr), None],
        weights=[1.0, 0.5],
        sub_image_size=100,
    )
    assert found == [
        TrainingFolder(hr=a, lr=a_lr, weight=1.0, sub_image_size=100),
        TrainingFolder(hr=b, lr=None, weight=0.5, sub_image_size=100),
    ]
    assert find_folders([str(a)], scale=2) == [TrainingFolder(hr=a)]


def test_lr_folders_that_cannot_be_are_refused(tmp_path: Path) -> None:
    inside = tmp_path / "hr" / "lr"
    inside.mkdir(parents=True)
    hr = str(tmp_path / "hr")
    for lr in (inside, tmp_path / "hr"):
        with pytest.raises(ConfigError, match="lies inside the HR folder"):
            find_folders([hr], scale=2, lr=[str(lr)])
    with pytest.raises(DataError, match="absent: no such folder of LR images"):
        find_folders([hr], scale=2, lr=["absent"])
    with pytest.raises(ConfigError, match=r"lr_track: wild is a track of DIV2K, .*hr is not"):
        find_folders([hr], scale=4, lr_track="wild")
