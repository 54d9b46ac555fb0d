"""A run of two processes that stops or fails: said once, and resumable in any split."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage import data

from srkit import checkpoint
from srkit.training.config import TrainingConfig
from srkit.training.config_file import write_config
from srkit.training.loop import train
from srkit.training.state import read_state

from .launching import said, torchrun

Configure = Callable[..., TrainingConfig]

pytestmark = pytest.mark.slow

WHOLE = {"datasets.train.batch_size_per_gpu": 4, "logger.print_freq": 1}
HALVES = WHOLE | {"datasets.train.batch_size_per_gpu": 2}

# srkit, but for what happens to the second process when it draws its part of the eighth step.
PROGRAM = """
import os, signal, time
from srkit.cli.main import run
from srkit.data.batches import Batch, BatchSource
from srkit.errors import DataError

draw = BatchSource.draw

def spoilt(source, step, start, stop):
    batch = draw(source, step, start, stop)
    if step == 7 and os.environ["RANK"] == "1":
        {happens}
    return batch

BatchSource.draw = spoilt
if __name__ == "__main__":
    run()
"""


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], tuple[Path]]:
    def write(happens: str) -> tuple[Path]:
        path = tmp_path / "program.py"
        path.write_text(PROGRAM.format(happens=happens))
        return (path,)

    return write


@pytest.fixture
def words(configure: Configure, tmp_path: Path) -> Callable[..., list[str | Path]]:
    """Write a configuration, and give the words that train it in the folder of the whole run."""

    def write(changes: dict[str, Any]) -> list[str | Path]:
        path = tmp_path / "tiny.yml"
        path.write_text(write_config(configure(changes)))
        return ["train", "--config", path, "-o", tmp_path / "runs", "--device", "cpu"]

    return write


def losses(run: Path) -> list[float]:
    rows = map(json.loads, (run / "log" / "log.jsonl").read_text().splitlines())
    return [row["loss"] for row in rows if "loss" in row]


def require_whole(configure: Configure, run: Path, folder: Path) -> None:
    """Hold a run against one that was never stopped, of one process."""
    train(configure(WHOLE), folder / "whole")
    expected = losses(folder / "whole")
    assert len(expected) == 12
    assert losses(run) == pytest.approx(expected, abs=2e-6)  # sums in another order


Words = Callable[..., list[str | Path]]
Program = Callable[[str], tuple[Path]]


def test_sigterm_saves_and_one_process_goes_on_with_what_two_began(
    configure: Configure, tmp_path: Path, words: Words, program: Program
) -> None:
    # A service manager's reaches the process itself as well as the launcher, which sends it on.
    stop = "[os.kill(who, signal.SIGTERM) for who in (os.getpid(), os.getppid())]; time.sleep(2)"
    ended = torchrun(*words(HALVES), program=program(stop))
    run = tmp_path / "runs" / "tiny"
    assert ended.returncode != 0
    assert said(ended) == []
    assert "ended after step 8: go on with --resume" in ended.stderr
    found = read_state(run / "training_states")
    assert found is not None
    assert found[0].step == 8
    assert train(configure(WHOLE), run, resume=True).step == 12
    require_whole(configure, run, tmp_path)


def test_two_processes_go_on_with_what_one_began(
    configure: Configure, tmp_path: Path, words: Words
) -> None:
    """They share the decoded images, which the first kept for itself."""
    run = tmp_path / "runs" / "tiny"
    auto = {"datasets.train.cache": "auto"}
    assert train(configure(WHOLE | auto), run, max_seconds=0).step == 1
    assert not list((tmp_path / "runs").glob("prepared/*.images"))
    ended = torchrun(*words(HALVES | auto), "--resume")
    assert ended.returncode == 0, ended.stderr
    assert len(list((tmp_path / "runs").glob("prepared/*.images"))) == 1
    require_whole(configure, run, tmp_path)


def test_a_loss_that_is_not_finite_in_one_process_stops_both(
    tmp_path: Path, words: Words, program: Program
) -> None:
    ended = torchrun(*words(HALVES), program=program('batch.lr[:] = float("nan")'))
    assert ended.returncode != 0
    error, hint = said(ended)
    assert error.startswith("srkit: the loss is nan and its gradient nan at step 8, learning rate ")
    assert hint == "hint: start a new run with a smaller --learning-rate"
    run = tmp_path / "runs" / "tiny"
    good = checkpoint.load(run / "models" / "tiny.safetensors")
    assert good.card.steps == 6
    assert all(weight.isfinite().all() for weight in good.module.parameters())
    assert [path.name for path in (run / "training_states").iterdir()] == [
        "state-00000005.safetensors"
    ]
    assert len(losses(run)) == 7


def test_a_damaged_image_is_told_once(words: Words, tmp_path: Path) -> None:
    """One process reads it; the other waits for that one, and loses it."""
    images = tmp_path / "images"
    images.mkdir()
    Image.fromarray(data.astronaut()[:64, :64]).save(images / "good.png")
    whole = (images / "good.png").read_bytes()
    (images / "cut.png").write_bytes(whole[: len(whole) // 2])
    ended = torchrun(*words(HALVES | {"datasets.train.dataroot_gt": str(images)}))
    assert ended.returncode != 0
    (error,) = said(ended)
    assert error.startswith(f"srkit: {images / 'cut.png'}: ")


def test_a_mistake_in_the_configuration_is_told_once(words: Words) -> None:
    ended = torchrun(*words(HALVES), "--set", "train.optim_g.lr=-1")
    assert ended.returncode != 0
    assert [line for line in said(ended) if "train.optim_g.lr" in line] == said(ended)[:1]


def test_what_fails_in_one_process_alone_is_told_by_it(words: Words, program: Program) -> None:
    ended = torchrun(*words(HALVES), program=program('raise DataError("its own", hint="mend it")'))
    assert ended.returncode != 0
    assert said(ended) == ["srkit: its own", "hint: mend it"]


def test_a_process_that_is_killed_is_no_mistake_of_the_others(
    words: Words, program: Program
) -> None:
    ended = torchrun(*words(HALVES), program=program("os._exit(9)"))
    assert ended.returncode != 0
    # The launcher, which says that a process died, may end the other before it has said anything.
    assert said(ended) in ([], ["srkit: another process of the run failed"])
    assert "mistake" not in ended.stderr
