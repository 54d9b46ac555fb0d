"""Training sets: cropped, shrunk as MATLAB does, cut, and refused with the files' names."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage import data

from srkit.data.batches import BatchSource
from srkit.data.datasets import TrainingFolder
from srkit.data.pairs import bicubic
from srkit.data.training_set import TrainingSet, load_training_set
from srkit.errors import DataError
from srkit.images.image import Samples


def save(path: Path, pixels: np.ndarray[Any, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def save_bands(path: Path, pixels: Samples) -> None:
    tifffile.imwrite(path, pixels, photometric="minisblack", planarconfig="contig")


def load(folder: Path, *, scale: int = 2, patch_size: int = 8, **options: Any) -> TrainingSet:
    return load_training_set(
        [TrainingFolder(hr=folder)], scale=scale, patch_size=patch_size, **options
    )


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_makes_lr_images_of_the_cropped_hr_images(tmp_path: Path, scale: int) -> None:
    photograph = data.astronaut()[:101, :83]
    save(tmp_path / "inner" / "a.png", photograph)
    found = load(tmp_path, scale=scale, patch_size=16)
    (part,) = found.parts
    height, width = 101 // scale * scale, 83 // scale * scale
    np.testing.assert_array_equal(part.hr, photograph[:height, :width])
    np.testing.assert_array_equal(part.lr, bicubic(part.hr, 1 / scale))
    assert (found.images, found.megapixels) == (1, height * width / 1e6)
    assert found.weights == (None,)


def test_lr_images_are_made_of_whole_images_and_then_cut(tmp_path: Path) -> None:
    photograph = data.astronaut()[:96, :72]
    save(tmp_path / "a.png", photograph)
    folder = TrainingFolder(hr=tmp_path, sub_image_size=48)
    parts = load_training_set([folder], scale=4, patch_size=8).parts
    assert [part.hr.shape for part in parts] == [(48, 36, 3)] * 4
    lr = bicubic(photograph, 1 / 4)
    np.testing.assert_array_equal(parts[3].hr, photograph[48:, 36:])
    np.testing.assert_array_equal(parts[3].lr, lr[12:, 9:])


def test_lr_images_that_are_given_are_taken_as_they_are(tmp_path: Path) -> None:
    save(tmp_path / "hr" / "a.png", data.astronaut()[:48, :66])
    given = data.chelsea()[:24, :33]
    save(tmp_path / "lr" / "ax2.png", given)
    folder = TrainingFolder(hr=tmp_path / "hr", lr=tmp_path / "lr")
    (part,) = load_training_set([folder], scale=2, patch_size=8).parts
    np.testing.assert_array_equal(part.lr, given)


def test_the_wild_tracks_four_lr_images_all_are_drawn_from(tmp_path: Path) -> None:
    save(tmp_path / "hr" / "0001.png", data.astronaut()[:32, :32])
    for number in range(1, 5):
        level = np.full((8, 8, 3), 50 * number, np.uint8)
        save(tmp_path / "lr" / f"0001x4w{number}.png", level)
    folder = TrainingFolder(hr=tmp_path / "hr", lr=tmp_path / "lr")
    found = load_training_set([folder], scale=4, patch_size=8)
    drawing = BatchSource(
        found, scale=4, patch_size=lambda step: 8, batch_size=lambda step: 40, seed=0
    )
    levels = (drawing.draw(0, 0, 40).lr[:, 0, 0, 0] * 255).round()
    assert levels.unique().tolist() == [50, 100, 150, 200]


def test_several_folders_keep_their_weights_and_their_own_settings(tmp_path: Path) -> None:
    save(tmp_path / "one" / "a.png", data.astronaut()[:64, :64])
    save(tmp_path / "two" / "b.png", data.chelsea()[:40, :40])
    save(tmp_path / "lr" / "b.png", data.chelsea()[:20, :20])
    folders = [
        TrainingFolder(hr=tmp_path / "one", weight=1.0, sub_image_size=32),
        TrainingFolder(hr=tmp_path / "two", weight=4.0, lr=tmp_path / "lr"),
    ]
    found = load_training_set(folders, scale=2, patch_size=8)
    assert found.weights == (1.0, 4.0)
    assert [part.folder for part in found.parts] == [0, 0, 0, 0, 1]
    assert [part.hr.shape[0] for part in found.parts] == [32, 32, 32, 32, 40]
    np.testing.assert_array_equal(found.parts[-1].lr, data.chelsea()[:20, :20])


def test_a_gray_image_becomes_three_equal_channels(tmp_path: Path) -> None:
    save(tmp_path / "a.png", data.camera()[:64, :64])
    (part,) = load(tmp_path).parts
    assert part.hr.shape == (64, 64, 3)
    np.testing.assert_array_equal(part.hr[..., 0], part.hr[..., 2])


def test_at_scale_1_the_image_is_its_own_pair(tmp_path: Path) -> None:
    save(tmp_path / "a.png", data.astronaut()[:33, :35])
    (part,) = load(tmp_path, scale=1).parts
    assert part.hr.shape == (33, 35, 3)
    np.testing.assert_array_equal(part.lr, part.hr)


def test_without_lr_images_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*args: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("srkit.data.pairs.bicubic", no)
    save(tmp_path / "a.png", data.astronaut()[:32, :32])
    (part,) = load(tmp_path, needs_lr=False).parts
    assert part.lr is None


def test_progress_counts_the_images(tmp_path: Path) -> None:
    for number in range(9):
        save(tmp_path / f"{number}.png", data.astronaut()[:32, :32])
    told: list[tuple[int, int]] = []
    load(tmp_path, progress=lambda done, images: told.append((done, images)))
    assert told == [(done, 9) for done in range(1, 10)]


def test_the_order_is_that_of_the_names_whichever_is_decoded_first(tmp_path: Path) -> None:
    for number in range(20):
        side = 300 if number % 5 == 0 else 16  # the large ones take longer
        save(tmp_path / f"{number:02d}.png", np.full((side, side, 3), number, np.uint8))
    assert [int(part.hr[0, 0, 0]) for part in load(tmp_path).parts] == list(range(20))


def test_every_file_that_cannot_be_used_is_named_before_the_first_step(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path / f"good{number}.png", data.astronaut()[:64, :64])
    save(tmp_path / "a_small.png", data.astronaut()[:40, :90])
    save(tmp_path / "b_transparent.png", np.full((64, 64, 4), 100, np.uint8))
    save_bands(tmp_path / "c_bands.tif", np.zeros((64, 64, 5), np.uint16))
    whole = save(tmp_path / "d_cut.png", data.astronaut()[:64, :64]).read_bytes()
    (tmp_path / "d_cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "e_text.png").write_bytes(b"no image")
    save(tmp_path / "f_tiny.png", data.astronaut()[:3, :2])
    with pytest.raises(DataError) as caught:
        load(tmp_path, scale=4, patch_size=16)
    first, *lines = str(caught.value).splitlines()
    assert first == "6 of 14 images cannot be trained on:"
    reasons = (
        ("a_small.png", "88x40 is smaller than an HR patch of 64"),
        ("b_transparent.png", "has transparency"),
        ("c_bands.tif", "has 5 bands, not 3"),
        ("d_cut.png", ""),
        ("e_text.png", ""),
        ("f_tiny.png", "2x3 pixels are too few for scale 4"),
    )
    for line, (name, reason) in zip(lines, reasons, strict=True):
        assert line.startswith(f"  {tmp_path / name}: ")
        assert reason in line
    assert caught.value.hint == "remove or mend them"


def test_a_single_file_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    save(tmp_path / "a.png", data.astronaut()[:96, :96])
    save(tmp_path / "b.png", data.astronaut()[:40, :90])
    with pytest.raises(DataError) as caught:
        load(tmp_path, scale=4, patch_size=16)
    assert str(caught.value) == f"{tmp_path / 'b.png'}: 88x40 is smaller than an HR patch of 64"
    assert caught.value.hint == (
        "remove what is too small, or train with smaller patches (--patch-size, "
        "train.patch_schedule)"
    )


def test_an_lr_image_of_another_size_is_named(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / "hr" / f"{name}.png", data.astronaut()[:48, :66])
    save(tmp_path / "lr" / "a.png", data.astronaut()[:24, :32])
    save(tmp_path / "lr" / "b.png", data.astronaut()[:24, :33])
    folder = TrainingFolder(hr=tmp_path / "hr", lr=tmp_path / "lr")
    with pytest.raises(DataError) as caught:
        load_training_set([folder], scale=2, patch_size=8)
    hr, lr = tmp_path / "hr" / "a.png", tmp_path / "lr"
    assert str(caught.value) == (
        f"{lr / 'a.png'}: 32x24 pixels, 2 times that is not the 66x48 of {hr}"
    )


def test_images_of_any_depth_and_any_number_of_bands_are_prepared_and_drawn(
    tmp_path: Path,
) -> None:
    """Values reach the batch as parts of their type's range, from memory and from a file alike."""
    random = np.random.default_rng(0)
    folder = tmp_path / "hr"
    folder.mkdir()
    made: list[Samples] = []
    for number, bits in enumerate((8, 16)):
        pixels = random.integers(0, 2**bits, (9, 9, 5)).astype(f"uint{bits}")
        save_bands(folder / f"{number}.tif", pixels)
        made.append(pixels)
    batches = []
    for cache in ("memory", "disk"):
        found = load_training_set(
            [TrainingFolder(hr=folder)],
            scale=1,
            patch_size=8,
            bands=5,
            cache=cache,
            cache_folder=tmp_path / "prepared",
        )
        for part, pixels in zip(found.parts, made, strict=True):
            assert part.hr.dtype == pixels.dtype
            np.testing.assert_array_equal(part.hr, pixels)
        drawing = BatchSource(
            found, scale=1, patch_size=lambda step: 8, batch_size=lambda step: 64, seed=0
        )
        batches.append(drawing.draw(0, 0, 64).hr)
    assert torch.equal(*batches)
    floats = [pixels / np.iinfo(pixels.dtype).max for pixels in made]
    windows = [
        image[top : top + 8, left : left + 8]
        for image in floats
        for top in (0, 1)
        for left in (0, 1)
    ]
    turned = [
        np.rot90(flipped, turns)
        for window in windows
        for flipped in (window, window[:, ::-1])
        for turns in range(4)
    ]
    seen = set()
    for patch in batches[0].permute(0, 2, 3, 1).numpy():
        (match,) = (i for i, one in enumerate(turned) if np.allclose(one, patch, atol=1e-6))
        seen.add(match // 8)
    assert seen == set(range(8))


def test_a_patch_as_large_as_the_image_is_drawn(tmp_path: Path) -> None:
    save(tmp_path / "a.png", data.astronaut()[:33, :33])
    found = load(tmp_path, scale=2, patch_size=16)
    drawing = BatchSource(
        found,
        scale=2,
        patch_size=lambda step: 16,
        batch_size=lambda step: 1,
        seed=0,
        use_hflip=False,
        use_rot=False,
    )
    hr = drawing.draw(0, 0, 1).hr[0]
    expected = torch.from_numpy(data.astronaut()[:32, :32].copy()).permute(2, 0, 1) / 255
    assert torch.equal(hr, expected)
