"""Training sets: cropped, shrunk as MATLAB does, and refused with the file's name."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from srkit.data.pairs import bicubic
from srkit.data.training_set import load_training_set
from srkit.errors import DataError, ImageError


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_makes_lr_images_of_the_cropped_hr_images(tmp_path: Path, scale: int) -> None:
    photograph = data.astronaut()[:101, :83]
    save(tmp_path / "inner" / "a.png", photograph)
    (pair,) = load_training_set(tmp_path, scale=scale, patch_size=16)
    height, width = 101 // scale * scale, 83 // scale * scale
    assert pair.name == str(Path("inner") / "a.png")
    assert np.array_equal(pair.hr, photograph[:height, :width])
    assert np.array_equal(pair.lr, bicubic(pair.hr, 1 / scale))


def test_a_gray_image_becomes_three_equal_channels(tmp_path: Path) -> None:
    save(tmp_path / "a.png", data.camera()[:64, :64])
    (pair,) = load_training_set(tmp_path, scale=2, patch_size=16)
    assert pair.hr.shape == (64, 64, 3)
    assert np.array_equal(pair.hr[..., 0], pair.hr[..., 2])


def test_at_scale_one_the_image_is_its_own_pair(tmp_path: Path) -> None:
    save(tmp_path / "a.png", data.astronaut()[:33, :35])
    (pair,) = load_training_set(tmp_path, scale=1, patch_size=16)
    assert pair.lr is pair.hr
    assert pair.hr.shape == (33, 35, 3)


def test_a_file_smaller_than_a_patch_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a.png", data.astronaut()[:96, :96])
    save(tmp_path / "b.png", data.astronaut()[:40, :90])
    with pytest.raises(DataError, match=r"b\.png: 88x40 is smaller than an HR patch of 64"):
        load_training_set(tmp_path, scale=4, patch_size=16)


def test_transparency_and_16_bits_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "one" / "a.png", np.full((40, 40, 4), 100, np.uint8))
    save(tmp_path / "two" / "a.png", np.full((40, 40), 1000, np.uint16))
    with pytest.raises(ImageError, match="transparency"):
        load_training_set(tmp_path / "one", scale=2, patch_size=8)
    with pytest.raises(DataError, match="16 bits"):
        load_training_set(tmp_path / "two", scale=2, patch_size=8)


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        load_training_set(tmp_path, scale=2, patch_size=8)
    with pytest.raises(DataError, match="no such folder"):
        load_training_set(tmp_path / "absent", scale=2, patch_size=8)
