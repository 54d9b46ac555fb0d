"""The files of training folders: HR images, and the LR images that belong to them."""

from pathlib import Path

import pytest

from srkit.data.datasets import TrainingFolder
from srkit.data.training_files import find_training_sources
from srkit.errors import DataError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def pairs_of(hr: Path, lr: Path | None, scale: int) -> list[tuple[str, str | None]]:
    """Name HR and LR files from their folders."""
    return [
        (
            source.hr.relative_to(hr).as_posix(),
            source.lr.relative_to(lr).as_posix() if source.lr is not None and lr else None,
        )
        for source in find_training_sources(TrainingFolder(hr=hr, lr=lr), scale)
    ]


def test_images_are_found_in_folders_inside_in_the_order_of_their_names(tmp_path: Path) -> None:
    hr = touch(tmp_path, "b.png", "a/z.JPG", "c.txt", ".hidden/x.png", "Thumbs.db")
    assert pairs_of(hr, None, 2) == [("a/z.JPG", None), ("b.png", None)]
    names = [source.name for source in find_training_sources(TrainingFolder(hr=hr), 2)]
    assert names == ["a/z.JPG", "b.png"]


@pytest.mark.parametrize("ending", ["", "x4", "x4m", "x4d", "x4w"])
def test_an_lr_image_has_the_name_or_an_ending_of_div2k(tmp_path: Path, ending: str) -> None:
    hr = touch(tmp_path / "hr", "0001.png", "inner/a.b.png")
    lr = touch(tmp_path / "lr", f"0001{ending}.png", f"inner/a.b{ending}.bmp", "0002.png")
    assert pairs_of(hr, lr, 4) == [
        ("0001.png", f"0001{ending}.png"),
        ("inner/a.b.png", f"inner/a.b{ending}.bmp"),
    ]


def test_the_wild_track_makes_four_pairs_of_an_image(tmp_path: Path) -> None:
    hr = touch(tmp_path / "hr", "0001.png", "0002.png")
    lr = touch(tmp_path / "lr", *(f"{n}x4w{w}.png" for n in ("0001", "0002") for w in range(1, 5)))
    assert pairs_of(hr, lr, 4) == [
        (f"{n}.png", f"{n}x4w{w}.png") for n in ("0001", "0002") for w in range(1, 5)
    ]


def test_the_very_name_comes_before_a_name_with_an_ending(tmp_path: Path) -> None:
    names = ("frame.png", "framex2.png")
    hr, lr = touch(tmp_path / "hr", *names), touch(tmp_path / "lr", *names)
    assert pairs_of(hr, lr, 2) == [(name, name) for name in names]


def test_the_ending_of_another_scale_does_not_count(tmp_path: Path) -> None:
    hr, lr = touch(tmp_path / "hr", "0001.png"), touch(tmp_path / "lr", "0001x2.png")
    assert pairs_of(hr, lr, 2) == [("0001.png", "0001x2.png")]
    with pytest.raises(DataError, match=r"lr: no LR image is called 0001 or 0001x4$"):
        pairs_of(hr, lr, 4)


def test_every_missing_lr_image_is_named(tmp_path: Path) -> None:
    hr = touch(tmp_path / "hr", *(f"{number:02d}.png" for number in range(30)))
    lr = touch(tmp_path / "lr", "05x2.png")
    with pytest.raises(DataError) as caught:
        pairs_of(hr, lr, 2)
    first, *lines = str(caught.value).splitlines()
    assert first == "29 of 30 images cannot be trained on:"
    assert lines[0] == f"  {lr}: no LR image is called 00 or 00x2"
    assert lines[-1] == "  and 9 more"
    assert len(lines) == 21
    assert "called 05 " not in str(caught.value)


def test_folders_without_images_are_named(tmp_path: Path) -> None:
    empty, hr = tmp_path / "empty", touch(tmp_path / "hr", "a.png")
    empty.mkdir()
    for given, message in (
        (TrainingFolder(hr=tmp_path / "absent"), r"absent: no such folder"),
        (TrainingFolder(hr=empty), r"empty: no images in this folder"),
        (TrainingFolder(hr=hr, lr=tmp_path / "absent"), r"absent: no such folder"),
        (TrainingFolder(hr=hr, lr=empty), r"empty: no images in this folder"),
    ):
        with pytest.raises(DataError, match=message):
            find_training_sources(given, 2)
