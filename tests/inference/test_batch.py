"""Batches: one bad file stops nothing, nothing half-done is written, no image knows another."""

import errno
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.images import Image, read_image, write_image
from srkit.inference import batch
from srkit.inference.batch import Done, Refused, Report, Watcher, upscale_all
from srkit.inference.family import Family
from srkit.inference.result_names import Job
from srkit.inference.tile_runner import Tiling
from srkit.models.model import Model

from .networks import Convolutions, Repeat
from .test_alpha import noise
from .test_upscale_image import blocks


def use(monkeypatch: pytest.MonkeyPatch, *modules: nn.Module, scale: int = 2) -> None:
    """Let every model's name stand for these."""
    family = Family(label="toy", modules=cast("list[Model]", list(modules)), scale=scale)
    monkeypatch.setattr(batch, "load_family", lambda name, device: family)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use(monkeypatch, Repeat())
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    write_image(folder / "rgb.png", Image(colour=noise(8, 9, 3)))
    write_image(folder / "deep" / "gray16.png", Image(colour=noise(5, 6, 1, dtype=np.uint16)))
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_folder_becomes_a_folder(photos: Path, tmp_path: Path) -> None:
    report = upscale_all([photos], tmp_path / "out")
    assert report.summary == "2 done, 0 refused"
    assert set(files(tmp_path / "out")) == {"rgb.png", "deep/gray16.png"}
    for name in ("rgb.png", "deep/gray16.png"):
        before, after = read_image(photos / name), read_image(tmp_path / "out" / name)
        assert after.colour.dtype == before.colour.dtype
        assert np.array_equal(after.colour, blocks(before.colour, 2))
    assert report.done[1] == Done(
        source=photos / "rgb.png", target=tmp_path / "out" / "rgb.png", height=16, width=18
    )


def test_the_scale_is_the_models_unless_something_is_said(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Repeat(), scale=4)
    source = photos / "rgb.png"
    wishes: list[dict[str, Any]] = [
        {},
        {"scale": 1.5},
        {"width": 36},
        {"height": 12},
        {"width": 90, "height": 24},
    ]
    sizes = []
    for number, wish in enumerate(wishes):
        (done,) = upscale_all([source], tmp_path / f"{number}.png", **wish).done
        assert read_image(done.target).colour.shape == (done.height, done.width, 3)
        sizes.append((done.height, done.width))
    assert sizes == [(32, 36), (12, 14), (32, 36), (12, 14), (24, 27)]


def test_bad_images_stop_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Repeat())
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(33):
        write_image(folder / f"{number:02}.png", Image(colour=noise(4, 4, 3, seed=number)))
    whole = (folder / "00.png").read_bytes()
    bad = {
        "00empty.png": b"",
        "05text.png": b"not an image",
        "10cut.png": whole[: len(whole) // 2],
        "15cut.jpg": b"\xff\xd8\xff\xe0",
        "20two\nlines.png": b"",
        "39last.webp": b"RIFF",
    }
    for name, content in bad.items():
        (folder / name).write_bytes(content)
    (folder / "12loop.png").symlink_to("12loop.png")

    report = upscale_all([folder], tmp_path / "out")

    assert report.summary == "33 done, 7 refused"
    assert set(files(tmp_path / "out")) == {f"{number:02}.png" for number in range(33)}
    assert {refused.source.name for refused in report.refused} == {*bad, "12loop.png"}
    for refused in report.refused:
        assert "\n" not in refused.reason
        name = str(refused.source).replace("\n", "\\n")
        assert refused.reason.startswith(f"{name}: ")
        assert len(refused.reason) > len(name) + 5


@pytest.mark.parametrize("failing", range(1, 10))
def test_a_failed_tile_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    def fail(call: int, _: Tensor) -> None:
        if call == failing:
            raise RuntimeError("kernel panic\nat line 2")

    use(monkeypatch, Repeat(hook=fail))
    source = tmp_path / "in.png"
    write_image(source, Image(colour=noise(30, 30, 3)))
    report = upscale_all([source], tmp_path / "out", tiling=Tiling(tile=10))
    assert [r.reason for r in report.refused] == [f"{source}: RuntimeError: kernel panic"]
    assert files(tmp_path / "out") == {}


@pytest.mark.parametrize("failing", [1, 5, 9])
def test_out_of_memory_gives_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    def fail(call: int, _: Tensor) -> None:
        if call == failing:
            raise torch.OutOfMemoryError("CUDA out of memory")

    source, said = tmp_path / "in.png", list[str]()
    image = Image(colour=noise(180, 180, 3))
    write_image(source, image)

    class Listener(Watcher):
        def notice(self, text: str) -> None:
            said.append(text)

    use(monkeypatch, Repeat(hook=fail))
    report = upscale_all([source], tmp_path, tiling=Tiling(tile=64), watcher=Listener())
    result = read_image(tmp_path / "in_2x_toy.png")
    assert np.array_equal(result.colour, blocks(image.colour, 2))
    assert report.summary == "1 done, 0 refused"
    assert said == [f"{source}: not enough memory: trying again with tiles of 32 pixels"]


def test_a_result_does_not_depend_on_its_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Convolutions())
    folder = tmp_path / "in"
    folder.mkdir()
    for number, size in enumerate([(20, 20), (33, 7), (20, 20), (1, 1), (12, 50)]):
        write_image(folder / f"{number}.png", Image(colour=noise(*size, 3, seed=number)))
    sources = sorted(folder.iterdir())
    tiling = Tiling(tile=16)
    upscale_all([folder], tmp_path / "all", tiling=tiling)
    upscale_all(sources[::-1], tmp_path / "reversed", tiling=tiling)
    for source in sources:
        upscale_all([source], tmp_path / "alone", tiling=tiling)
    together = files(tmp_path / "all")
    assert len(together) == 5
    assert files(tmp_path / "reversed") == together
    assert files(tmp_path / "alone") == together


def test_a_dry_run_does_nothing(photos: Path, tmp_path: Path) -> None:
    before = files(tmp_path)
    report = upscale_all([photos], tmp_path / "out", dry_run=True)
    assert [job.target.name for job in report.planned] == ["gray16.png", "rgb.png"]
    assert not report.done
    assert files(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_skipping_goes_on_where_a_run_ended(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    upscale_all([photos], out)
    kept = (out / "rgb.png").stat()
    (out / "deep" / "gray16.png").unlink()
    report = upscale_all([photos], out, existing="skip")
    assert [done.target.name for done in report.done] == ["gray16.png"]
    assert [job.target.name for job in report.skipped] == ["rgb.png"]
    assert report.summary == "1 done, 1 skipped, 0 refused"
    assert (out / "rgb.png").stat().st_mtime_ns == kept.st_mtime_ns


def test_an_existing_result_is_replaced_only_by_a_whole_one(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    upscale_all([photos], out)
    before = files(out)
    (photos / "rgb.png").write_bytes(b"damaged")
    report = upscale_all([photos], out, existing="overwrite", scale=4)
    after = files(out)
    assert report.summary == "1 done, 1 refused"
    assert after["rgb.png"] == before["rgb.png"]
    assert after["deep/gray16.png"] != before["deep/gray16.png"]


def test_a_second_run_beside_the_sources_leaves_results_out(photos: Path) -> None:
    said: list[str] = []

    class Listener(Watcher):
        def notice(self, text: str) -> None:
            said.append(text)

    upscale_all([photos], photos)
    report = upscale_all([photos], photos, existing="skip", watcher=Listener())
    assert report.summary == "0 done, 2 skipped, 0 refused"
    assert said == [
        f"2 results of an earlier run left out, such as {photos}/deep/gray16_2x_toy.png"
    ]


def test_limits_of_input_and_output(photos: Path, tmp_path: Path) -> None:
    over = upscale_all([photos / "rgb.png"], tmp_path / "out", max_pixels=71)
    assert "over the limit of 71" in over.refused[0].reason
    assert "(hint: --max-pixels" in over.refused[0].reason
    # 72 pixels may become 16 times as many, and no more.
    allowed = upscale_all([photos / "rgb.png"], tmp_path / "out", max_pixels=72, scale=4)
    assert allowed.summary == "1 done, 0 refused"
    over = upscale_all([photos / "rgb.png"], tmp_path / "more", max_pixels=72, scale=4.1)
    assert "over the limit of 1,152 (hint: --max-pixels raises it)" in over.refused[0].reason


def test_a_full_disk_is_one_line_an_image(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    report = upscale_all([photos], tmp_path / "out")
    assert report.summary == "0 done, 2 refused"
    assert all("No space left on device" in refused.reason for refused in report.refused)
    assert files(tmp_path / "out") == {}


def test_a_folder_that_vanishes_is_one_line_an_image(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(_: int, __: Tensor) -> None:
        (photos / "rgb.png").unlink(missing_ok=True)

    use(monkeypatch, Repeat(hook=vanish))
    report = upscale_all([photos], tmp_path / "out")
    assert [done.source.name for done in report.done] == ["gray16.png"]
    assert [refused.source.name for refused in report.refused] == ["rgb.png"]
    assert "No such file" in report.refused[0].reason


def test_a_place_for_the_results_that_cannot_be_made_is_misuse(
    photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"file/out: cannot be made: Not a directory"):
        upscale_all([photos], tmp_path / "file" / "out")


def test_an_interrupt_is_not_taken_for_a_bad_image(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int, __: Tensor) -> None:
        raise KeyboardInterrupt

    use(monkeypatch, Repeat(hook=interrupt))
    with pytest.raises(KeyboardInterrupt):
        upscale_all([photos], tmp_path / "out")
    assert files(tmp_path / "out") == {}


def test_the_watcher_hears_everything_in_order(photos: Path, tmp_path: Path) -> None:
    (photos / "bad.png").write_bytes(b"")
    heard: list[str] = []

    class Listener(Watcher):
        def begin(self, images: int) -> None:
            heard.append(f"begin {images}")

        def start(self, job: Job) -> None:
            heard.append(f"start {job.source.name}")

        def tile(self, done: int, total: int) -> None:
            heard.append(f"tile {done}/{total}")

        def done(self, result: Done) -> None:
            heard.append(f"done {result.source.name}")

        def refused(self, failure: Refused) -> None:
            heard.append(f"refused {failure.source.name}")

    upscale_all([photos], tmp_path / "out", watcher=Listener(), tiling=Tiling(tile=0))
    assert heard == [
        "begin 3",
        "start bad.png",
        "refused bad.png",
        "start gray16.png",
        "tile 0/1",
        "tile 1/1",
        "done gray16.png",
        "start rgb.png",
        "tile 0/1",
        "tile 1/1",
        "done rgb.png",
    ]


def test_the_report_is_plain_values() -> None:
    job = {"source": Path("a.png"), "target": Path("o/a.png")}
    report = Report(
        done=[Done(**job, height=2, width=3)], refused=[Refused(**job, reason="a.png: no")]
    )
    paths = {"source": "a.png", "target": str(Path("o/a.png"))}
    assert report.as_dict() == {
        "planned": [],
        "done": [{**paths, "height": 2, "width": 3}],
        "skipped": [],
        "refused": [{**paths, "reason": "a.png: no"}],
    }
