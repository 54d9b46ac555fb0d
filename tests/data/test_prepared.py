"""Prepared files: written once, used again, made anew when what they are made of changes."""

import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from srkit.data import training_set
from srkit.data.datasets import TrainingFolder
from srkit.data.pairs import Source
from srkit.data.part import Part
from srkit.data.prepared import PreparedFile
from srkit.data.training_set import Cache, TrainingSet, load_training_set
from srkit.errors import DataError
from srkit.files import TEMPORARY_PATTERN

Load = Callable[..., TrainingSet]


@pytest.fixture
def folders(tmp_path: Path) -> list[TrainingFolder]:
    found = []
    for index, (name, size) in enumerate((("a", 0), ("b", 40))):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(2):
            top = 50 * number + 20 * index
            Image.fromarray(data.astronaut()[top : top + 90, :101]).save(folder / f"{number}.png")
        found.append(TrainingFolder(hr=folder, sub_image_size=size))
    return found


@pytest.fixture
def load(tmp_path: Path, folders: list[TrainingFolder]) -> Load:
    def build(
        cache: Cache = "disk",
        of: Sequence[TrainingFolder] = folders,
        needs_lr: bool = True,
        shared: bool = False,
    ) -> TrainingSet:
        return load_training_set(
            of,
            scale=4,
            patch_size=8,
            needs_lr=needs_lr,
            cache=cache,
            cache_folder=tmp_path / "prepared",
            shared=shared,
        )

    return build


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every image that is decoded."""
    noted: list[str] = []
    original = Source.load

    def telling(self: Source, scale: int, *, make_lr: bool = True, bands: int | None = 3) -> object:
        noted.append(self.name)
        return original(self, scale, make_lr=make_lr, bands=bands)

    monkeypatch.setattr(Source, "load", telling)
    return noted


def files_in(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "prepared").glob("*.images"))


def require_equal(found: Sequence[Part], expected: Sequence[Part]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.folder == other.folder
        np.testing.assert_array_equal(one.hr, other.hr)
        if other.lr is None:
            assert one.lr is None
        else:
            assert one.lr is not None
            np.testing.assert_array_equal(one.lr, other.lr)


@pytest.mark.parametrize("needs_lr", [True, False])
def test_holds_what_memory_would(load: Load, needs_lr: bool) -> None:
    memory, disk = load("memory", needs_lr=needs_lr), load("disk", needs_lr=needs_lr)
    assert isinstance(disk.parts, PreparedFile)
    assert len(memory.parts) == 2 + 2 * 2 * 2  # 88x100 is cut into 2x2 parts of about 40
    require_equal(disk.parts, memory.parts)
    assert (disk.images, disk.megapixels) == (memory.images, memory.megapixels) == (4, 0.0352)
    require_equal(disk.parts[1:-1:2], memory.parts[1:-1:2])
    require_equal([disk.parts[-1]], [memory.parts[-1]])


def test_is_mapped_not_read_and_cannot_be_changed(load: Load) -> None:
    part = load().parts[0]
    with pytest.raises(ValueError, match="read-only"):
        part.hr[0, 0, 0] = 1
    assert not part.hr.flags.owndata


def test_is_written_once_and_used_again(load: Load, reads: list[str], tmp_path: Path) -> None:
    load()
    assert reads == ["0.png", "1.png"] * 2
    (path,) = files_in(tmp_path)
    written = path.stat().st_mtime_ns
    reads.clear()
    load()
    assert reads == []
    assert files_in(tmp_path) == [path]
    assert path.stat().st_mtime_ns == written


def test_is_used_by_auto_where_it_is(load: Load, reads: list[str]) -> None:
    load("disk")
    reads.clear()
    assert isinstance(load("auto").parts, PreparedFile)
    assert reads == []


@pytest.mark.parametrize(("free", "on_disk"), [(2**40, False), (200_000, True)])
def test_auto_takes_memory_while_there_is_twice_as_much(
    load: Load, monkeypatch: pytest.MonkeyPatch, free: int, on_disk: bool
) -> None:
    monkeypatch.setattr(training_set, "_free", lambda: free)  # the set takes 115,000 bytes
    assert isinstance(load("auto").parts, PreparedFile) == on_disk


def test_auto_takes_the_disk_when_processes_share_the_images(load: Load, reads: list[str]) -> None:
    for _ in range(2):  # one process after the other
        assert isinstance(load("auto", shared=True).parts, PreparedFile)
    assert reads == ["0.png", "1.png"] * 2
    assert not isinstance(load("memory", shared=True).parts, PreparedFile)


def test_is_made_anew_when_a_source_changes(
    load: Load, reads: list[str], tmp_path: Path, folders: list[TrainingFolder]
) -> None:
    load()
    reads.clear()
    changed = folders[0].hr / "0.png"
    Image.fromarray(data.chelsea()[:90, :101]).save(changed)
    again = load()
    assert len(reads) == 4
    np.testing.assert_array_equal(again.parts[0].hr, data.chelsea()[:88, :100])
    assert len(files_in(tmp_path)) == 2
    # The same size and content, but written at another time: nobody can know without reading.
    status = changed.stat()
    os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    reads.clear()
    load()
    assert len(reads) == 4


def test_other_settings_have_another_file(
    load: Load, tmp_path: Path, folders: list[TrainingFolder]
) -> None:
    load()
    load(needs_lr=False)
    load(of=folders[:1])
    load(of=[TrainingFolder(hr=folder.hr, sub_image_size=24) for folder in folders])
    assert len(files_in(tmp_path)) == 4


def test_the_same_images_in_other_folders_have_another_file(tmp_path: Path, load: Load) -> None:
    """Weights go by folders: one set of two folders is not two sets of one."""
    outer = tmp_path / "outer"
    for name in ("a", "b"):
        (outer / name).mkdir(parents=True)
        Image.fromarray(data.astronaut()[:90, :101]).save(outer / name / "0.png")
    together = load(of=[TrainingFolder(hr=outer)])
    apart = load(of=[TrainingFolder(hr=outer / name, weight=1.0) for name in ("a", "b")])
    assert [part.folder for part in together.parts] == [0, 0]
    assert [part.folder for part in apart.parts] == [0, 1]


@pytest.mark.parametrize("damage", ["empty", "cut", "half", "zeros at its end", "longer", "a hole"])
def test_a_torn_file_is_not_used(load: Load, reads: list[str], tmp_path: Path, damage: str) -> None:
    expected = load("memory")
    load()
    (path,) = files_in(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut": whole[:-1],
            "half": whole[: len(whole) // 2],
            "zeros at its end": whole[:-200] + bytes(200),
            "longer": whole + b"x",
            "a hole": whole[:1000] + whole[2000:],
        }[damage]
    )
    assert not PreparedFile(path).whole()
    reads.clear()
    require_equal(load().parts, expected.parts)
    assert len(reads) == 4
    assert path.read_bytes() == whole


def test_what_a_killed_process_left_is_swept_up(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "prepared"
    folder.mkdir()
    torn = folder / TEMPORARY_PATTERN.replace("*", "0123")
    torn.write_bytes(b"half")
    load()
    assert not torn.exists()


def test_an_image_that_cannot_be_used_leaves_no_file(
    load: Load, tmp_path: Path, folders: list[TrainingFolder]
) -> None:
    (folders[1].hr / "1.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"b.1\.png"):
        load()
    assert [path.name for path in (tmp_path / "prepared").iterdir()] == [".srkit.lock"]


def test_a_disk_that_refuses_is_named(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("srkit.data.prepared.write_atomically", full)
    with pytest.raises(DataError, match=r"\.images: cannot be written \(No space left") as caught:
        load()
    assert caught.value.hint == "datasets.train.cache=memory does without the file"


def test_is_pickled_as_its_path(load: Load) -> None:
    parts = load().parts
    assert parts[0].hr.sum() > 0  # mapped by now
    message = pickle.dumps(parts)
    assert len(message) < 500
    require_equal(pickle.loads(message), parts)  # noqa: S301 - our own


def test_of_several_at_once_one_prepares_and_the_others_wait(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "prepared" / "together.images"
    expected = load("memory").parts
    made: list[int] = []

    def slowly(number: int) -> Iterator[Part]:
        made.append(number)
        time.sleep(0.2)
        yield from expected

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda number: PreparedFile(path).write(slowly(number)), range(3)))
    assert len(made) == 1
    require_equal(PreparedFile(path), expected)
