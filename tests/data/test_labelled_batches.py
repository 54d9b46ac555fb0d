"""Labelled images: squared, standardised, drawn by step and place alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from skimage import data

from srkit.data.labelled_batches import LabelledSource
from srkit.data.labelled_files import LabelledFiles, find_labelled
from srkit.data.labelled_set import LabelledSet, load_labelled
from srkit.data.loader import batch_loader
from srkit.data.part import Part
from srkit.errors import DataError


def numbered(count: int = 5, side: int = 8) -> LabelledSet:
    """Give images that are all of one brightness, their own number."""
    return LabelledSet(
        squares=[
            Part(folder=0, hr=np.full((side, side, 3), number, np.uint8), lr=None)
            for number in range(count)
        ],
        targets=torch.arange(count),
    )


def source(labelled: LabelledSet, batch: int = 4, **options: Any) -> LabelledSource:
    return LabelledSource(labelled, batch_size=lambda step: batch, seed=3, **options)


def test_every_image_is_taken_once_before_one_is_taken_again() -> None:
    drawing = source(numbered(5), batch=4)
    taken = [int(label) for step in range(10) for label in drawing.draw(step, 0, 4).targets]
    epochs = [taken[start : start + 5] for start in range(0, 40, 5)]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_labels_go_with_their_images() -> None:
    images, targets = source(numbered(5)).draw(2, 0, 4)
    assert (images.shape, images.dtype) == ((4, 3, 8, 8), torch.float32)
    torch.testing.assert_close(images[:, 0, 0, 0] * 255, targets.float())


def test_a_batch_depends_on_step_and_place_alone(textures: Path) -> None:
    labelled = load_labelled(find_labelled([textures / "valid"]), side=16, bands=3)
    whole = source(labelled, batch=6).draw(5, 0, 6)
    again = source(labelled, batch=6)
    again.draw(1, 0, 6)  # what came before does not matter
    first, second = again.draw(5, 0, 2), again.draw(5, 2, 6)
    assert torch.equal(torch.cat([first.images, second.images]), whole.images)
    assert torch.equal(torch.cat([first.targets, second.targets]), whole.targets)
    for workers in (0, 2):
        batches = batch_loader(again, first=5, last=6, workers=workers, micro_batches=2)
        drawn = next(batches)
        assert torch.equal(torch.cat([batch.images for batch in drawn]), whole.images)
        batches.close()


def variants(use_hflip: bool, use_rot: bool, use_shift: bool) -> set[bytes]:
    ramp = np.arange(64 * 3, dtype=np.uint8).reshape(8, 8, 3)
    one = LabelledSet(
        squares=[Part(folder=0, hr=ramp, lr=None)], targets=torch.zeros(1, dtype=torch.int64)
    )
    drawing = source(one, batch=200, use_hflip=use_hflip, use_rot=use_rot, use_shift=use_shift)
    images = (drawing.draw(0, 0, 200).images * 255).round().byte()
    return {image.numpy().tobytes() for image in images}


def test_images_are_mirrored_turned_and_shifted_as_asked() -> None:
    assert len(variants(False, False, False)) == 1
    assert len(variants(True, False, False)) == 2
    assert len(variants(False, True, False)) == 4
    assert len(variants(True, True, False)) == 8
    assert len(variants(False, False, True)) == 9  # by -1, 0 or 1 each way
    assert variants(False, False, False) < variants(False, False, True)


def test_an_image_fills_a_square_whatever_its_proportions(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "dog").mkdir()
    photograph = data.chelsea()[:120, :200]
    Image.fromarray(photograph).save(tmp_path / "cat" / "a.png")
    Image.fromarray(photograph[:32, :32]).save(tmp_path / "dog" / "b.png")
    wide, exact = load_labelled(find_labelled([tmp_path]), side=32, bands=3).squares
    assert wide.hr.shape == (32, 32, 3)
    np.testing.assert_array_equal(exact.hr, photograph[:32, :32])
    whole = photograph.mean(axis=(0, 1))
    np.testing.assert_allclose(wide.hr.mean(axis=(0, 1)), whole, atol=0.5)


def test_bands_keep_their_depth_and_files_are_kept_on_the_disk(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(4):
        folder = tmp_path / "set" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 3000, (9, 9, 6)).astype(np.uint16)
        tifffile.imwrite(
            folder / f"{number}.tif", pixels, photometric="minisblack", planarconfig="contig"
        )
    files = find_labelled([tmp_path / "set"])
    plain = load_labelled(files, side=8, bands=6)
    stored = load_labelled(files, side=8, bands=6, cache="disk", cache_folder=tmp_path / "kept")
    assert len(list((tmp_path / "kept").glob("*.images"))) == 1
    for shared in (False, True):
        folder = tmp_path / f"shared-{shared}"
        load_labelled(files, side=8, bands=6, cache="auto", cache_folder=folder, shared=shared)
        assert len(list(folder.glob("*.images"))) == int(shared)
    for one, other in zip(plain.squares, stored.squares, strict=True):
        assert one.hr.dtype == other.hr.dtype == np.uint16
        np.testing.assert_array_equal(one.hr, other.hr)
    means, deviations = stored.statistics()
    values = np.stack([part.hr for part in plain.squares]) / 65535
    np.testing.assert_allclose(means, values.mean(axis=(0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(deviations, values.std(axis=(0, 1, 2)), rtol=1e-6)


def test_several_labels_are_a_row_of_zeros_and_ones(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")
    (tmp_path / "labels.csv").write_text("a.png,x;z\nb.png,\nc.png,y\n")
    labelled = load_labelled(find_labelled([tmp_path]), side=4, bands=3)
    assert labelled.targets.tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_files_that_cannot_be_used_are_all_named(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4)).save(tmp_path / "clear.png")
    (tmp_path / "text.png").write_bytes(b"no image")
    Image.new("RGB", (4, 4)).save(tmp_path / "good.png")
    files = LabelledFiles(
        paths=tuple(tmp_path / f"{name}.png" for name in ("clear", "good", "text")),
        labels=((0,), (0,), (1,)),
        classes=("cat", "dog"),
        multi_label=False,
    )
    with pytest.raises(DataError, match="2 of 3 images cannot be trained on") as caught:
        load_labelled(files, side=4, bands=3)
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()[1:]] == [
        f"  {tmp_path / 'clear.png'}",
        f"  {tmp_path / 'text.png'}",
    ]
