"""`srkit upscale` as a user meets it: files, streams, exit codes."""

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from rich.console import Console
from skimage import data
from typer.testing import CliRunner, Result

from srkit import checkpoint
from srkit.cli import main as command_line
from srkit.cli.upscale import upscale
from srkit.cli.upscale_progress import Reporter
from srkit.errors import SrkitError
from srkit.images import Image, read_image, write_image
from srkit.inference import batch
from srkit.inference.batch import Done, Refused
from srkit.inference.result_names import Job
from srkit.models import build_model

app = typer.Typer()
app.command()(upscale)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with two photographs, and two small models to be found by name."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for scale in (2, 4):
        module = build_model("sr_network", {"scale": scale, "features": 4, "blocks": 1})
        card = checkpoint.Card(name=f"lapwave-m-x{scale}")
        checkpoint.save(shelf / f"lapwave-m-x{scale}.safetensors", module, card)
    monkeypatch.setattr(checkpoint, "checkpoints_folder", lambda: shelf)
    (tmp_path / "here" / "in" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    photograph = data.astronaut()[:40, :60]
    write_image(Path("in/a.png"), Image(colour=photograph))
    write_image(Path("in/deep/b.jpg"), Image(colour=photograph[:20]))
    return tmp_path / "here"


def outputs() -> list[str]:
    return sorted(str(path) for path in Path("out").rglob("*") if path.is_file())


def test_a_folder(place: Path) -> None:
    result = run("in", "-o", "out")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "in/a.png -> out/a.png (240x160)",
        "in/deep/b.jpg -> out/deep/b.jpg (240x80)",
        "2 done, 0 refused",
    ]
    assert outputs() == ["out/a.png", "out/deep/b.jpg"]


def test_tiles_do_not_show_in_the_file(place: Path) -> None:
    for tile in ("0", "16", "auto"):
        assert run("in/a.png", "-o", f"out/{tile}.png", "-t", tile, "-q").exit_code == 0
    whole, *tiled = (read_image(Path(f"out/{name}.png")).colour for name in ("0", "16", "auto"))
    for pixels in tiled:
        difference = np.abs(whole.astype(int) - pixels)
        assert difference.max() <= 1
        assert (difference > 0).mean() <= 1e-4


def test_images_of_other_kinds_are_counted_at_the_end(place: Path) -> None:
    for name in ("in/IMG_1.HEIC", "in/deep/b.gif", "in/notes.txt", "in/.c.gif"):
        Path(name).write_bytes(b"")
    told = "srkit: left alone: 2 files of other kinds (.gif, .heic)"
    assert run("in", "-o", "out", "--dry-run").stderr.splitlines() == [told]
    result = run("in", "in/deep", "-o", "out")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-2:] == [told, "3 done, 0 refused"]
    assert run("in", "-o", "again", "--quiet").stderr == ""


def test_a_slash_at_the_end_makes_a_folder(place: Path) -> None:
    refused = run("in/a.png", "-o", "out.gif")
    assert str(refused.exception) == "out.gif: not a format srkit writes"
    assert not Path("out.gif").exists()
    for name in ("out.gif", "out.png"):
        assert run("in/a.png", "-o", f"{name}/").exit_code == 0
        assert Path(name, "a.png").is_file()


@pytest.mark.parametrize(
    ("words", "name", "size"),
    [
        (["-s", "1.5"], "a.png", (60, 90)),
        (["--scale", "8"], "a.png", (320, 480)),
        (["-n", "lapwave-m-x2"], "a.png", (80, 120)),
        (["-n", "../shelf/lapwave-m-x4.safetensors"], "a.png", (160, 240)),
        (["--width", "100"], "a.png", (67, 100)),
        (["--width", "200", "--height", "90"], "a.png", (90, 135)),
        (["-f", "webp", "--lossless"], "a.webp", (160, 240)),
        (["-f", "jpg", "--quality", "30"], "a.jpg", (160, 240)),
        (["--precision", "bfloat16", "--device", "cpu"], "a.png", (160, 240)),
    ],
)
def test_options(place: Path, words: list[str], name: str, size: tuple[int, int]) -> None:
    result = run("in/a.png", "-o", "out", *words)
    assert result.exit_code == 0
    assert outputs() == [f"out/{name}"]
    image = read_image(Path("out", name))
    assert (image.height, image.width) == size


def test_an_image_keeps_its_transparency_or_not(place: Path) -> None:
    mask = np.zeros((10, 12), np.uint8)
    mask[2:8, 3:9] = 255
    write_image(Path("glass.png"), Image(colour=data.astronaut()[:10, :12], alpha=mask))
    assert run("glass.png", "-o", "kept.png").exit_code == 0
    assert read_image(Path("kept.png")).alpha is not None
    assert run("glass.png", "-o", "dropped.png", "--alpha", "drop").exit_code == 0
    assert read_image(Path("dropped.png")).alpha is None


def test_refused_images_are_one_line_each_and_exit_1(place: Path) -> None:
    Path("in/bad.png").write_bytes(b"")
    Path("in/[red]bad:smile:.png").write_bytes(b"no")
    result = run("in", "-o", "out", "--quiet")
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert [line.rsplit(":", 1)[0] for line in lines] == [
        "srkit: in/[red]bad:smile:.png",
        "srkit: in/bad.png",
    ]
    assert outputs() == ["out/a.png", "out/deep/b.jpg"]


def test_json_on_stdout_is_all_there_is(place: Path) -> None:
    Path("in/bad.png").write_bytes(b"")
    result = run("in", "-o", "out", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["done"][0] == {
        "source": "in/a.png",
        "target": "out/a.png",
        "height": 160,
        "width": 240,
    }
    assert [entry["source"] for entry in report["refused"]] == ["in/bad.png"]
    assert "2 done, 1 refused" in result.stderr


def test_a_dry_run_prints_the_plan(place: Path) -> None:
    result = run("in", "-o", "in", "-s", "3", "--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "in/a.png -> in/a_3x_lapwave-m.png",
        "in/deep/b.jpg -> in/deep/b_3x_lapwave-m.jpg",
    ]
    assert result.stderr == ""
    assert [p.name for p in Path("in").rglob("*.*")] == ["a.png", "b.jpg"]


def test_running_again(place: Path) -> None:
    assert run("in", "-o", "out", "-q").exit_code == 0
    again = run("in", "-o", "out")
    assert isinstance(again.exception, SrkitError)
    assert str(again.exception) == "out/a.png: exists already (and 1 more)"
    Path("out/a.png").unlink()
    skipping = run("in", "-o", "out", "--existing", "skip")
    assert skipping.exit_code == 0
    assert skipping.stderr.splitlines() == [
        "in/a.png -> out/a.png (240x160)",
        "1 done, 1 skipped, 0 refused",
    ]


def test_an_interrupt_says_how_to_go_on(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in/bad.png").write_bytes(b"")

    def write(path: Path, *more: Any, **options: Any) -> None:
        if path.suffix == ".jpg":  # the last one
            raise KeyboardInterrupt
        write_image(path, *more, **options)

    def stopped(*words: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["srkit", "upscale", *words])
        with pytest.raises(SystemExit) as ended:
            command_line.run()
        assert ended.value.code == 130
        return capsys.readouterr().err.splitlines()

    monkeypatch.setattr(batch, "write_image", write)
    told = "srkit: stopped: 1 done of 3; --existing skip goes on"
    assert stopped("in", "-o", "out")[-1] == told
    assert told not in stopped("in", "-o", "quiet", "--quiet")
    # Of one image there is nothing to go on with.
    assert stopped("in/deep/b.jpg", "-o", "one") == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["in", "-n", "lapwave-q"], "lapwave-q: neither a file nor a released model"),
        (["in", "-n", "in/a.png"], "in/a.png: not a safetensors file"),
        (["in", "-s", "1"], "scale must be above 1 and at most 16, got 1.0"),
        (
            ["in", "-s", "2", "--width", "100"],
            "give either --scale, or --width or --height, got --scale 2 and --width 100",
        ),
        (["in", "-t", "8"], "--tile must be auto, 0 or at least 16, got '8'"),
        (["in", "-t", "-1"], "--tile must be auto, 0 or at least 16, got '-1'"),
        (["in", "--tile-overlap", "x"], "--tile-overlap must be auto or a number of pixels"),
        (["in", "--device", "cuda:77"], "device 'cuda:77' is not available here"),
    ],
)
def test_misuse_is_found_before_any_work(place: Path, words: list[str], message: str) -> None:
    result = run(*words, "-o", "out")
    # srkit.cli.main makes one line and exit code 2 of it.
    assert isinstance(result.exception, SrkitError)
    assert str(result.exception).startswith(message)
    assert "\n" not in str(result.exception)
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "words",
    [["--alpha", "x"], ["--quality", "0"], ["-f", "gif"], ["-s", "big"], ["--max-pixels", "0"]],
)
def test_values_out_of_range_exit_2(place: Path, words: list[str]) -> None:
    result = run("in", "-o", "out", *words)
    assert result.exit_code == 2
    assert not Path("out").exists()


def test_on_a_terminal_a_bar_shows_rate_and_time_left_and_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, color_system=None)
    monkeypatch.setattr("srkit.cli.upscale_progress.Console", lambda **_: console)
    paths = {"source": Path("in/a[red].png"), "target": Path("out/a[red].png")}
    with Reporter(quiet=False) as reporter:
        reporter.begin(3)
        reporter.start(Job(**paths))
        reporter.tile(2, 4)
        reporter.bars.refresh()
        half = screen.getvalue()
        reporter.done(Done(**paths, height=1, width=1))
        reporter.refused(Refused(**paths, reason="in/b.png: is bad"))
        reporter.tile(1, 4)
        reporter.bars.refresh()
    assert re.search(r"a\[red\]\.png .* 0/3 tile 2/4", half)
    later = screen.getvalue()[len(half) :]
    assert "srkit: in/b.png: is bad\n" in later
    assert re.search(r" 2/3 tile 1/4 .*(images/s|s/image) \d:\d\d:\d\d", later)
    # The bar says it all: no line for what went well; and it takes itself away at the end.
    assert "->" not in screen.getvalue()
    assert screen.getvalue().endswith("\x1b[1A\x1b[2K")
