"""TensorBoard reads back the curves, the samples and their wavelet bands."""

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from srkit.errors import ConfigError
from srkit.images.image import Samples
from srkit.training.config import TrainingConfig
from srkit.training.log import read_rows
from srkit.training.loop import train
from srkit.training.pace import Pace
from srkit.training.strips import CAPTION, GAP, strip
from srkit.training.tensorboard import TensorBoard, bands
from srkit.training.watch import Sample


def read(folder: Path) -> Any:
    events = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    return events


def sample_of(photograph: Samples) -> Sample:
    panels = {"model": photograph, "HR": photograph[::-1]}
    return Sample(name="one.png", panels=panels, psnr={"model": 31.2})


def test_a_run_is_there_to_be_seen(
    configure: Callable[..., TrainingConfig], tmp_path: Path
) -> None:
    changes = {"logger.use_tb_logger": True, "train.losses": {"l1": 1.0, "frequency": 0.1}}
    train(configure(changes), tmp_path / "run")
    events = read(tmp_path / "run" / "log" / "tensorboard")
    assert set(events.Tags()["scalars"]) == {
        *("loss/total", "loss/l1", "loss/frequency", "learning_rate", "steps_per_second"),
        *("psnr/both", "ssim/both"),
    }
    rows = [row for row in read_rows(tmp_path / "run" / "log") if "loss" in row]
    logged = [(event.step, event.value) for event in events.Scalars("loss/total")]
    assert logged == [(row["step"], pytest.approx(row["loss"], rel=1e-6)) for row in rows]
    assert [event.step for event in events.Scalars("psnr/both")] == [6, 12]
    assert all(event.value > 0 for event in events.Scalars("steps_per_second"))
    images = [
        f"{kind}/both/{name}" for kind in ("samples", "bands") for name in ("astronaut", "cat")
    ]
    assert sorted(events.Tags()["images"]) == sorted(f"{tag}.png" for tag in images)
    assert [event.step for event in events.Images("samples/both/cat.png")] == [6, 12]


def test_pictures_are_those_of_the_sample(photograph: Samples, tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, step=0)
    sample = sample_of(photograph)
    board.samples(3, "Set5", [sample])
    board.flush()
    events = read(tmp_path)
    for kind, expected in (("samples", strip(sample)), ("bands", bands(sample))):
        (event,) = events.Images(f"{kind}/Set5/one.png")
        with Image.open(BytesIO(event.encoded_image_string)) as picture:
            np.testing.assert_array_equal(np.asarray(picture), expected)
    board.close()


def test_steps_that_are_done_again_replace_the_lost_ones(tmp_path: Path) -> None:
    for first, last, loss in ((0, 6, 1.0), (4, 8, 2.0)):
        board = TensorBoard(tmp_path, step=first)
        pace = Pace(done=first, seconds=0)
        for step in range(first + 1, last + 1):
            board.losses(step, loss, {}, 1e-3, pace)
        board.close()
    found = [(event.step, event.value) for event in read(tmp_path).Scalars("loss/total")]
    assert found == [(step, 1.0) for step in range(1, 5)] + [(step, 2.0) for step in range(5, 9)]


def test_bands_are_grey_where_nothing_changes() -> None:
    side = 512  # wide enough for every caption
    edge = np.zeros((side, side, 3), np.uint8)
    edge[1:] = 60  # between the first two rows, and nowhere between columns
    flat = np.full((side, side, 3), 60, np.uint8)
    picture = bands(Sample(name="one.png", panels={"model": edge, "HR": flat}, psnr={"model": 20}))
    half, rows = side // 2, CAPTION + side // 2 + GAP
    assert picture.shape == (2 * rows, 4 * (half + GAP) + GAP, 3)
    first_rows = {}
    for index in range(8):
        top, left = index // 4 * rows + CAPTION, GAP + index % 4 * (half + GAP)
        band = picture[top : top + half, left : left + half]
        assert (band == band[:, :1, :1]).all()  # nothing changes from column to column
        expected = 60 if index % 4 == 0 else 128
        assert (band[1:] == expected).all()
        first_rows[index] = int(band[0, 0, 0])
    # The edge is in the approximation, halved, and in the horizontal band, doubled.
    expected_rows = [30, 128 - 2 * 60, 128, 128, 60, 128, 128, 128]
    assert list(first_rows.values()) == pytest.approx(expected_rows, abs=1)


def test_without_the_package_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigError, match="use_tb_logger: TensorBoard is not installed") as caught:
        TensorBoard(tmp_path / "log", step=0)
    assert caught.value.hint == "pip install 'srkit[tensorboard]'"
    assert not (tmp_path / "log").exists()
