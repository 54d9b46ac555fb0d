"""HR images become the pairs the papers measure on."""

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from srkit.data.pairs import bicubic, find_sources, prepare
from srkit.errors import DataError, ImageError
from srkit.images.image import Samples


def test_crops_to_the_scale_and_makes_colour_of_gray(hr_folder: Path, photograph: Samples) -> None:
    a, b, gray = prepare(hr_folder, 4)
    assert [pair.name for pair in (a, b, gray)] == ["a.png", "b.png", "gray.png"]
    np.testing.assert_array_equal(a.hr, photograph[:60, :72])
    assert a.lr.dtype == np.uint8
    assert (a.lr.shape, a.scale) == ((15, 18, 3), 4)
    assert (b.hr.shape, b.lr.shape) == ((64, 44, 3), (16, 11, 3))
    for channel in range(3):
        np.testing.assert_array_equal(gray.hr[..., channel], photograph[:48, :60, 1])


def test_the_lr_image_is_antialiased(tmp_path: Path) -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 200
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    (pair,) = prepare(tmp_path, 2)
    # Every second column alone would give all 200 or all 0.
    np.testing.assert_allclose(pair.lr[:, 2:-2], 100, atol=1)


def test_scale_1_keeps_the_image(hr_folder: Path) -> None:
    for pair in prepare(hr_folder, 1):
        np.testing.assert_array_equal(pair.lr, pair.hr)


def test_16_bits_stay_16_bits(tmp_path: Path, photograph: Samples) -> None:
    deep = photograph[:40, :40].astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    (pair,) = prepare(tmp_path, 2)
    np.testing.assert_array_equal(pair.hr, deep)
    assert pair.lr.dtype == np.uint16
    # Within the two roundings to 8 bits of the same resize, and finer than 8 bits.
    in_8_bits = bicubic(photograph[:40, :40], 1 / 2)
    assert np.abs(pair.lr / 257 - in_8_bits).max() < 1.2
    assert (pair.lr % 257 != 0).any()


def test_lr_images_are_taken_from_a_folder_by_name(
    hr_folder: Path, tmp_path: Path, photograph: Samples
) -> None:
    folder = tmp_path / "lr"
    folder.mkdir()
    sizes = {"ax2.png": (30, 36), "b.bmp": (33, 23), "gray.png": (25, 31)}
    for value, (name, (height, width)) in enumerate(sizes.items()):
        Image.new("RGB", (width, height), (value, value, value)).save(folder / name)
    pairs = prepare(hr_folder, 2, lr_folder=folder)
    assert [int(pair.lr.max()) for pair in pairs] == [0, 1, 2]
    (folder / "b.bmp").unlink()
    with pytest.raises(DataError, match=r"lr: no LR image is called b or bx2$"):
        find_sources(hr_folder, 2, lr_folder=folder)
    for wrong in ((25, 33), (22, 33), (23, 32), (23, 35)):
        Image.new("RGB", wrong).save(folder / "b.png")
        size = rf"{wrong[0]}x{wrong[1]}"
        with pytest.raises(DataError, match=rf"b\.png: {size} pixels, 2 times .* the 47x67 of .*b"):
            prepare(hr_folder, 2, lr_folder=folder)


@pytest.mark.parametrize("scale", [2, 3, 8])
def test_an_lr_image_of_the_whole_hr_image_is_cropped_with_it(
    hr_folder: Path, tmp_path: Path, photograph: Samples, scale: int
) -> None:
    """MATLAB rounds sides up: what it makes of 61 rows at x8 are 8, of which 7 are whole."""
    folder = tmp_path / "lr"
    folder.mkdir()
    hr = photograph[30:97, 20:67]
    lr = bicubic(hr, 1 / scale)
    assert lr.shape[:2] == (math.ceil(67 / scale), math.ceil(47 / scale))
    for path in hr_folder.glob("*.png"):
        image = np.asarray(Image.open(path).convert("RGB"))
        Image.fromarray(bicubic(image, 1 / scale)).save(folder / path.name)
    pair = prepare(hr_folder, scale, lr_folder=folder)[1]
    height, width = 67 // scale, 47 // scale
    np.testing.assert_array_equal(pair.lr, lr[:height, :width])
    np.testing.assert_array_equal(pair.hr, hr[: height * scale, : width * scale])
    # Away from the borders it is what the cropped HR image gives: the two lie over each other.
    made = bicubic(pair.hr, 1 / scale)
    np.testing.assert_array_equal(pair.lr[:-3, :-3], made[:-3, :-3])


def test_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing: no such folder"):
        prepare(tmp_path / "missing", 2)
    with pytest.raises(DataError, match="no images in this folder"):
        prepare(tmp_path, 2)
    small = tmp_path / "small.png"
    Image.new("RGB", (9, 3)).save(small)
    with pytest.raises(ImageError, match=r"small\.png: 9x3 pixels are too few for scale 4"):
        prepare(tmp_path, 4)
    Image.new("RGBA", (16, 16), (1, 2, 3, 100)).save(small)
    with pytest.raises(ImageError, match=r"small\.png: has transparency"):
        prepare(tmp_path, 4)
    small.write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"small\.png: "):
        prepare(tmp_path, 4)
