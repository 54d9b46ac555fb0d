"""Labels from folders and from a table; what is wrong with them is one line."""

from pathlib import Path

import pytest
from PIL import Image

from srkit.data.labelled_files import find_labelled
from srkit.errors import DataError


def images(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(root / name)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    images(tmp_path, "dog/b.png", "dog/a/deep.png", "cat/1.png", ".hidden/x.png")
    return tmp_path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    images(tmp_path, "a.png", "in/b.png", "c.png", "unnamed.png")
    (tmp_path / "labels.csv").write_text("file,labels\na.png,dog; cat\nin/b.png,été\n\nc.png,\n")
    return tmp_path


def test_each_folder_is_a_class(folders: Path) -> None:
    found = find_labelled([folders])
    assert found.classes == ("cat", "dog")
    assert not found.multi_label
    names = [str(path.relative_to(folders)) for path in found.paths]
    assert names == ["cat/1.png", "dog/a/deep.png", "dog/b.png"]
    assert found.labels == ((0,), (1,), (1,))


def test_a_table_names_several_classes(table: Path) -> None:
    found = find_labelled([table])
    assert found.classes == ("cat", "dog", "été")
    assert found.multi_label
    assert [path.name for path in found.paths] == ["a.png", "b.png", "c.png"]
    assert found.labels == ((0, 1), (2,), ())


def test_a_table_of_single_classes_can_be_read_as_such(tmp_path: Path) -> None:
    images(tmp_path, "a, b.png", "c.png")
    (tmp_path / "labels.csv").write_text('"a, b.png",dog\r\nc.png,cat\r\n')
    found = find_labelled([tmp_path], multi_label=False)
    assert (found.labels, found.multi_label) == (((1,), (0,)), False)


def test_folders_can_be_one_set(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    images(other, "emu/1.png", "cat/2.png")
    found = find_labelled([folders, other])
    assert found.classes == ("cat", "dog", "emu")
    assert found.labels == ((0,), (1,), (1,), (0,), (2,))


def test_classes_that_are_given_keep_their_order(folders: Path) -> None:
    found = find_labelled([folders], classes=["emu", "dog", "cat"])
    assert found.classes == ("emu", "dog", "cat")
    assert found.labels == ((2,), (1,), (1,))
    with pytest.raises(DataError, match=r"1\.png: class 'cat' is not one of dog, emu"):
        find_labelled([folders], classes=["dog", "emu"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a.png,dog\nb.png,cat\n", r"labels\.csv, line 2: there is no file 'b\.png'"),
        (b"a.png,dog\na.png,cat\n", r"labels\.csv, line 2: a\.png is there twice"),
        (b"a.png,dog,cat\n", r"labels\.csv, line 1: must be a file and its classes, got 3 cells"),
        (b"a.png\n", r"labels\.csv, line 1: must be a file and its classes, got 1 cells"),
        (b",dog\n", r"labels\.csv, line 1: there is no file ''"),
        (b"file,labels\n", "no labelled images in this folder"),
        (b"a.png,\xe9t\xe9\n", r"labels\.csv: is not UTF-8 text"),
        (b'a.png,"dog\n', r"labels\.csv: cannot be read as CSV"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path: Path, text: bytes, message: str) -> None:
    images(tmp_path, "a.png")
    (tmp_path / "labels.csv").write_bytes(text)
    with pytest.raises(DataError, match=message) as caught:
        find_labelled([tmp_path])
    assert "\n" not in str(caught.value)


def test_a_table_of_several_classes_is_no_table_of_single_ones(table: Path) -> None:
    with pytest.raises(DataError, match=r"a\.png: has 2 classes, it must have one"):
        find_labelled([table], multi_label=False)


def test_folders_that_cannot_be_used_are_one_line(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent: no such folder of labelled images"):
        find_labelled([tmp_path / "absent"])
    (folders / "emu").mkdir()
    with pytest.raises(DataError, match="emu: no images of this class"):
        find_labelled([folders])
    images(folders, "beside.png")
    with pytest.raises(DataError, match=r"beside\.png: lies in no class's folder"):
        find_labelled([folders])
