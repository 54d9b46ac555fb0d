"""Which files of a folder are images."""

from pathlib import Path

import pytest

from srkit.errors import ImageError
from srkit.images import image_files, no_images, other_images

IMAGES = ["a.png", "B.JPG", "c.Jpeg", "d.webp", "e.BMP", "f.tif", "g.tiff", "h.jfif", "ü 🙂.png"]
OTHERS = [
    "Thumbs.db",
    ".DS_Store",
    "._a.png",
    ".hidden.png",
    "notes.txt",
    "png",
    "a.png.part",
    "x.gif",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for parent in ("", "sub", "sub/deep", ".cache"):
        (tmp_path / parent).mkdir(exist_ok=True)
        for name in IMAGES + OTHERS:
            (tmp_path / parent / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "link.png").symlink_to("a.png")
    return tmp_path


def test_one_folder(folder: Path) -> None:
    expected = sorted(folder / name for name in [*IMAGES, "link.png"])
    assert image_files(folder) == expected


def test_folders_inside(folder: Path) -> None:
    expected = [folder / name for name in [*IMAGES, "link.png"]]
    expected += [folder / parent / name for parent in ("sub", "sub/deep") for name in IMAGES]
    assert image_files(folder, recursive=True) == sorted(expected)


def test_the_folder_itself_may_be_hidden(folder: Path) -> None:
    assert len(image_files(folder / ".cache")) == len(IMAGES)


def test_images_of_other_kinds(folder: Path) -> None:
    assert other_images(folder) == [folder / "x.gif"]
    (folder / "sub" / "IMG_1.HEIC").touch()
    (folder / ".y.gif").touch()
    found = other_images(folder, recursive=True)
    assert [str(path.relative_to(folder)) for path in found] == [
        "sub/IMG_1.HEIC",
        "sub/deep/x.gif",
        "sub/x.gif",
        "x.gif",
    ]


def test_a_folder_without_images_tells_what_it_has_instead(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert no_images(tmp_path) == f"{tmp_path}: no images in this folder"
    for name in ("a.CR2", "b.heic", "c.heic", ".d.avif"):
        (tmp_path / name).touch()
    told = f"{tmp_path}: no images in this folder, only 3 files of other kinds (.cr2, .heic)"
    assert no_images(tmp_path) == told


def test_an_empty_folder(tmp_path: Path) -> None:
    assert image_files(tmp_path, recursive=True) == []


@pytest.mark.parametrize("name", ["missing", "file"])
def test_what_cannot_be_listed_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImageError) as caught:
        image_files(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: cannot be listed: ")
