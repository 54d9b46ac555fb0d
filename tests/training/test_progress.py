"""A terminal gets a bar and is given back whole; a file gets lines."""

import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from srkit.training.config import TrainingConfig
from srkit.training.loop import train
from srkit.training.pace import Pace
from srkit.training.progress import Progress

from .run_making import FACTS, score

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
SPREAD = replace(FACTS, processes=2, steps=1000, images=1, taken="took 3 of 4 tensors from other")


class Clock:
    """Time that goes on when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def terminal(width: int = 120) -> Console:
    return Console(file=StringIO(), force_terminal=True, width=width, legacy_windows=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def follow(progress: Progress, clock: Clock, steps: int) -> None:
    """A run of a second a step, with a loss every step and a validation every tenth."""
    pace = Pace(done=0, seconds=0)
    progress.said("resolving")
    for done in (1, 2):
        clock.now += 1
        progress.reading(done, 2)
    progress.started(SPREAD)
    for step in range(1, steps + 1):
        clock.now += 1
        progress.stepped(step, pace)
        if step % 10 == 0:
            progress.scored(step, score(30 + step / 10), best=step < 30)
            progress.scored(step, score(20 + step / 10, set_name="Set14"), best=step < 30)
        progress.losses(step, 0.5, {"l1": 0.5}, 1e-3, pace)
        progress.flush()


def test_a_file_gets_lines_without_control_characters() -> None:
    console, clock = Console(file=StringIO(), width=40), Clock()
    progress = Progress(console, clock=clock)
    follow(progress, clock, 35)
    progress.warn("narrow [bold]names[/bold] are no markup, and long lines are not broken")
    progress.ended(35, "go on with --resume")
    progress.close()
    lines = shown(console).splitlines()
    assert not re.search(r"[^\n -~]", shown(console))
    assert lines[:2] == [
        "resolving",
        "tiny: lapwave-s, 4,044 parameters; 2 x cpu, float32; 1 image, 0.50 megapixels of "
        "photographs; 1,000 steps; took 3 of 4 tensors from other",
    ]
    assert lines[-2:] == [
        "warning: narrow [bold]names[/bold] are no markup, and long lines are not broken",
        "ended after step 35: go on with --resume",
    ]
    # A loss every second, a line every ten; every validation.
    assert sum("loss" in line for line in lines) == 4
    assert sum("PSNR" in line for line in lines) == 6
    assert sum("best so far" in line for line in lines) == 2


def test_a_file_is_told_of_images_that_take_long_to_read() -> None:
    console, clock = Console(file=StringIO(), width=40), Clock()
    progress = Progress(console, clock=clock)
    for done in range(1, 26):
        clock.now += 1
        progress.reading(done, 25)
    assert shown(console).splitlines() == [
        "reading images: 11 of 25",
        "reading images: 21 of 25",
    ]


def test_a_terminal_gets_a_bar_with_the_numbers_below() -> None:
    console, clock = terminal(), Clock()
    progress = Progress(console, clock=clock)
    follow(progress, clock, 35)
    text = shown(console)
    assert "reading images" in text
    assert "35/1,000" in text
    assert "steps/s" in text
    assert "loss 0.50000  rate 1.00e-03" in text
    # The last numbers of either set, and the best of the first.
    assert "Set5 33.00 dB (best 32.00 at 20)  Set14 23.00 dB" in text
    assert "step 30  Set14 sr-y  PSNR 23.000  SSIM 0.9000" in text
    # Losses change below the bar; they are no lines.
    assert "step 35  loss" not in text
    progress.close()


def test_a_fast_run_is_not_drawn_at_every_step() -> None:
    console, clock = terminal(), Clock()
    progress = Progress(console, clock=clock)
    progress.started(SPREAD)
    pace = Pace(done=0, seconds=0)
    clock.now = 1
    progress.stepped(1, pace)
    before = shown(console)
    for step in range(2, 100):
        clock.now += 0.001
        progress.stepped(step, pace)
    assert shown(console) == before
    clock.now += 0.1
    progress.stepped(100, pace)
    assert "100/1,000" in shown(console).removeprefix(before)
    progress.close()


def test_a_closed_bar_leaves_the_terminal_whole() -> None:
    console, clock = terminal(), Clock()
    progress = Progress(console, clock=clock)
    progress.close()
    clock.now += 1
    progress.reading(1, 3)
    assert shown(console).rfind(HIDE_CURSOR) > shown(console).rfind(SHOW_CURSOR)
    progress.close()
    progress.close()
    assert shown(console).rfind(SHOW_CURSOR) > shown(console).rfind(HIDE_CURSOR)
    # The bar is taken back off the screen.
    assert shown(console).rstrip("\r").endswith("\x1b[2K")


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    coloured = r"\x1b\[[0-9;]*3\d"
    for environment, colours in (({}, True), ({"NO_COLOR": "1"}, False)):
        monkeypatch.delenv("NO_COLOR", raising=False)
        for key, value in environment.items():
            monkeypatch.setenv(key, value)
        monkeypatch.setenv("TERM", "xterm-256color")
        console, clock = terminal(), Clock()
        progress = Progress(console, clock=clock)
        follow(progress, clock, 12)
        progress.warn("look")
        progress.close()
        assert bool(re.search(coloured, shown(console))) == colours


def test_a_terminal_without_a_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    console, clock = terminal(), Clock()
    progress = Progress(console, clock=clock)
    follow(progress, clock, 12)
    progress.close()
    assert "\x1b[" not in shown(console)
    assert "step 1  loss" in shown(console)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_is_shown_to_its_end(
    configure: Callable[..., TrainingConfig], tmp_path: Path, workers: int
) -> None:
    console = terminal()
    progress = Progress(console)
    config = configure({"datasets.train.num_worker_per_gpu": workers})
    outcome = train(config, tmp_path / "run", watch=progress)
    text = shown(console)
    assert f"ended after step 12: wrote {outcome.checkpoint}" in text
    assert text.count("both sr-y  PSNR") == 2
    assert text.rfind(SHOW_CURSOR) > text.rfind(HIDE_CURSOR)
