"""Samples lie in the run's folder as pictures: the first, the last ten, none from a lost future."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from srkit.images import read_image
from srkit.images.image import Samples
from srkit.training.config import TrainingConfig
from srkit.training.loop import train
from srkit.training.strips import CAPTION, GAP, Strips, find_strips, side_by_side, strip
from srkit.training.watch import Sample


def sample_of(photograph: Samples, name: str = "one.png") -> Sample:
    panels = {"LR": photograph, "bicubic": photograph, "model": photograph[::-1], "HR": photograph}
    return Sample(name=name, panels=panels, psnr={"model": 31.234})


def test_panels_lie_side_by_side_under_their_names(photograph: Samples) -> None:
    picture = strip(sample_of(photograph))
    assert picture.shape == (CAPTION + 128 + GAP, GAP + 4 * (128 + GAP), 3)
    for index, expected in enumerate([photograph, photograph, photograph[::-1], photograph]):
        left = GAP + index * (128 + GAP)
        panel = picture[CAPTION : CAPTION + 128, left : left + 128]
        np.testing.assert_array_equal(panel, expected)
        assert picture[:CAPTION, left : left + 128].max() > 150  # words
    assert picture[:, :GAP].max() < 50


def test_a_narrow_panel_has_room_for_its_name() -> None:
    narrow = np.zeros((3, 2, 3), np.uint8)
    picture = side_by_side({"model 31.23 dB": narrow, "HR": narrow})
    assert picture.shape[1] > 80


def test_the_first_and_the_last_ten_are_kept(photograph: Samples, tmp_path: Path) -> None:
    strips = Strips(tmp_path / "new", step=0)
    for step in range(5, 100, 5):
        strips.samples(step, "Set5", [sample_of(photograph), sample_of(photograph, "two.jpg")])
    found = find_strips(tmp_path / "new")
    assert list(found) == [("Set5", "one"), ("Set5", "two")]
    for pictures in found.values():
        assert list(pictures) == [5, *range(50, 100, 5)]
    path = tmp_path / "new" / "Set5" / "one_00000095.png"
    np.testing.assert_array_equal(read_image(path).colour, strip(sample_of(photograph)))


def test_resuming_drops_what_came_after(photograph: Samples, tmp_path: Path) -> None:
    strips = Strips(tmp_path, step=0)
    for step in (5, 10, 15):
        strips.samples(step, "Set5", [sample_of(photograph)])
    (tmp_path / "Set5" / "mine.png").touch()
    Strips(tmp_path, step=10)
    assert list(find_strips(tmp_path)["Set5", "one"]) == [5, 10]
    assert (tmp_path / "Set5" / "mine.png").exists()


@pytest.mark.parametrize("name", ["..", "../up", "a/b", "a\\b", "two\nlines", ".", "x" * 300, "?"])
def test_any_name_of_a_set_or_an_image_stays_inside(
    photograph: Samples, tmp_path: Path, name: str
) -> None:
    Strips(tmp_path / "inside", step=0).samples(1, name, [sample_of(photograph, f"{name}.png")])
    (path,) = (tmp_path / "inside").glob("*/*.png")
    assert path.parent.parent == tmp_path / "inside"
    assert [found.name for found in tmp_path.iterdir()] == ["inside"]


def test_images_of_one_stem_do_not_replace_each_other(photograph: Samples, tmp_path: Path) -> None:
    samples = [sample_of(photograph, name) for name in ("one.png", "one.jpg", "two.png")]
    Strips(tmp_path, step=0).samples(1, "Set5", samples)
    assert [image for _, image in find_strips(tmp_path)] == ["one-1", "one-2", "two"]


def test_a_run_leaves_pictures_of_every_validation(
    configure: Callable[..., TrainingConfig], tmp_path: Path
) -> None:
    train(configure(), tmp_path / "run", watch=Strips(tmp_path / "pictures", step=0))
    found = find_strips(tmp_path / "pictures")
    assert {key: list(pictures) for key, pictures in found.items()} == {
        ("both", "astronaut"): [6, 12],
        ("both", "cat"): [6, 12],
    }
