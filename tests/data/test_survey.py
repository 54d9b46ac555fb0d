"""What there is to train on is found by names and headers."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from srkit.data.datasets import TrainingFolder
from srkit.data.pairs import Source
from srkit.data.survey import survey_folders
from srkit.errors import DataError

WANTED: dict[str, Any] = {"scale": 2, "patch_size": 4, "bands": 3, "needs_lr": True}
QUARTER_TURN = 6  # EXIF's number for it


def test_every_lr_image_of_another_size_is_named(tmp_path: Path) -> None:
    hr, lr = tmp_path / "hr", tmp_path / "lr"
    for folder in (hr, lr):
        folder.mkdir()
    for name, size in (("a", (20, 12)), ("b", (20, 13)), ("c", (20, 11))):
        Image.new("RGB", (40, 24)).save(hr / f"{name}.png")
        Image.new("RGB", size).save(lr / f"{name}.png")
    with pytest.raises(DataError, match="2 of 3 images cannot be trained on") as caught:
        survey_folders([TrainingFolder(hr=hr, lr=lr)], **WANTED)
    _, *lines = str(caught.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines] == [str(lr / "b.png"), str(lr / "c.png")]


def test_an_image_that_its_exif_block_turns_is_not_refused(tmp_path: Path) -> None:
    hr, lr = tmp_path / "hr", tmp_path / "lr"
    for folder in (hr, lr):
        folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = QUARTER_TURN
    Image.new("RGB", (24, 40)).save(hr / "a.jpg", exif=exif)  # 40 wide when turned
    Image.new("RGB", (20, 12)).save(lr / "a.png")
    found = survey_folders([TrainingFolder(hr=hr, lr=lr)], **WANTED)
    assert (found.images, found.absent) == (1, ())
    pair = Source(name="a", hr=hr / "a.jpg", lr=lr / "a.png").load(2)
    assert found.decoded == pair.hr.nbytes + pair.lr.nbytes


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (40, 24)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("words")
    Image.new("RGB", (20, 24)).save(tmp_path / "c.png")
    with pytest.raises(DataError, match="2 of 3 images cannot be trained on") as caught:
        survey_folders([TrainingFolder(hr=tmp_path)], **WANTED | {"patch_size": 12})
    assert "b.png: is none of PNG, JPEG" in str(caught.value)
    assert "c.png: 20x24 is smaller than" in str(caught.value)


def test_every_image_too_small_for_a_patch_is_named(tmp_path: Path) -> None:
    for name, size in (("a", (40, 24)), ("b", (40, 22)), ("c", (23, 50))):
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
    folders = [TrainingFolder(hr=tmp_path)]
    with pytest.raises(DataError, match="2 of 3 images cannot be trained on") as caught:
        survey_folders(folders, **WANTED | {"patch_size": 12})
    assert [name for name in "abc" if f"{name}.png: " in str(caught.value)] == ["b", "c"]
    assert "--patch-size" in str(caught.value.hint)
