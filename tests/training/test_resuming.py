"""A run goes on bit for bit after a stop, and never takes over another."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import yaml
from accelerate import Accelerator

from srkit import checkpoint
from srkit.data.batches import Batch, BatchSource
from srkit.errors import ConfigError, TrainingError
from srkit.training.config import TrainingConfig
from srkit.training.config_file import read_config
from srkit.training.engine import engine
from srkit.training.loop import Outcome, train
from srkit.training.optimizers import OPTIMIZERS
from srkit.training.pace import Pace
from srkit.training.state import read_state
from srkit.training.watch import Watcher

Configure = Callable[..., TrainingConfig]
Fingerprint = Callable[[Path], dict[str, str]]


class Lines(Watcher):
    """Keep what a run says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def said(self, line: str) -> None:
        self.lines.append(line)

    warn = said


def test_a_signal_saves_and_stops(
    configure: Configure,
    fingerprint: Fingerprint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train(configure(), tmp_path / "whole")
    draw = BatchSource.draw

    def interrupted(source: BatchSource, step: int, start: int, stop: int) -> Batch:
        if step == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return draw(source, step, start, stop)

    monkeypatch.setattr(BatchSource, "draw", interrupted)
    outcome = train(configure(), tmp_path / "run")
    assert outcome == Outcome(step=8, checkpoint=None, signal=signal.SIGTERM)
    monkeypatch.undo()
    assert train(configure(), tmp_path / "run", resume=True).step == 12
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "whole")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_time_that_is_given_stops_resumably(
    configure: Configure, fingerprint: Fingerprint, tmp_path: Path, precision: str
) -> None:
    config = configure({"train.precision": precision})
    train(config, tmp_path / "whole")
    for step in (1, 2):  # a session always does one step
        outcome = train(config, tmp_path / "run", max_seconds=0, resume=step > 1)
        assert outcome == Outcome(step=step, checkpoint=None, signal=None)
    assert train(config, tmp_path / "run", resume=True).step == 12
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "whole")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", ["MultiStepLR", "OneCycleLR", "Constant"])
def test_every_optimizer_resumes_under_every_schedule(
    configure: Configure,
    fingerprint: Fingerprint,
    tmp_path: Path,
    optimizer: str,
    schedule: str,
) -> None:
    changes = {
        "train.total_iter": 4,
        "train.optim_g.type": optimizer,
        "train.scheduler": {"type": schedule}
        | ({"milestones": [2]} if schedule == "MultiStepLR" else {}),
        "datasets.val": [],
    }
    train(configure(changes), tmp_path / "whole")
    train(configure(changes), tmp_path / "run", max_seconds=0)
    train(configure(changes), tmp_path / "run", resume=True)
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "whole")


def test_a_gradient_that_overflows_is_left_out_and_the_scale_halved(
    configure: Configure,
    fingerprint: Fingerprint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """float16's loss scaling, which no processor needs, around arithmetic in float32."""

    @contextmanager
    def scaling(device: str, precision: str) -> Iterator[Accelerator]:
        with engine(device, precision) as accelerator:
            accelerator.state._mixed_precision = "fp16"
            accelerator.scaler = torch.amp.GradScaler(
                "cpu", init_scale=2.0**127, backoff_factor=2.0**-60, growth_interval=4
            )
            yield accelerator

    monkeypatch.setattr("srkit.training.loop.engine", scaling)
    config = configure({"train.losses": {"l1": 100.0}})  # whose gradient overflows at once
    train(config, tmp_path / "whole")
    found = read_state(tmp_path / "whole" / "training_states")
    assert found is not None
    counters, tensors = found
    assert tensors["optimizer.0.step"] == 11
    assert counters.scaler["scale"] < 2.0**127
    assert all(tensor.isfinite().all() for tensor in tensors.values() if tensor.is_floating_point())

    train(config, tmp_path / "run", max_seconds=0)
    train(config, tmp_path / "run", resume=True)
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "whole")


def test_batches_may_be_traded_for_accumulation(
    configure: Configure, fingerprint: Fingerprint, tmp_path: Path
) -> None:
    train(configure(), tmp_path / "run", max_seconds=0)
    halves = {"datasets.train.batch_size_per_gpu": 1, "train.accumulate": 2}
    assert train(configure(halves), tmp_path / "run", resume=True).step == 12
    with pytest.raises(ConfigError, match="a step took 2 patches, now it would take 4") as caught:
        train(configure({"train.accumulate": 2}), tmp_path / "run", resume=True)
    assert "batch_size_per_gpu" in str(caught.value.hint)


def test_all_states_damaged_is_an_error(configure: Configure, tmp_path: Path) -> None:
    train(configure(), tmp_path / "run")
    for state in (tmp_path / "run" / "training_states").iterdir():
        state.write_bytes(bytes(100))
    with pytest.raises(TrainingError, match="every saved state is damaged"):
        train(configure(), tmp_path / "run", resume=True)


def test_a_finished_run_is_left_alone(configure: Configure, tmp_path: Path) -> None:
    config = configure({"train.total_iter": 1})
    outcome = train(config, tmp_path / "run")
    assert outcome.checkpoint is not None
    before = outcome.checkpoint.read_bytes()
    lines = Lines()
    assert train(config, tmp_path / "run", resume=True, watch=lines) == outcome
    assert lines.lines == ["finished already, after step 1"]
    assert outcome.checkpoint.read_bytes() == before


def test_what_a_finished_run_lost_is_written_again(configure: Configure, tmp_path: Path) -> None:
    config = configure({"train.total_iter": 1})
    outcome = train(config, tmp_path / "run")
    assert outcome.checkpoint is not None
    before = checkpoint.load(outcome.checkpoint).module.state_dict()
    for path in (outcome.checkpoint, tmp_path / "run" / "report.html"):
        path.unlink()
    assert train(config, tmp_path / "run", resume=True) == outcome
    again = checkpoint.load(outcome.checkpoint)
    assert again.card.steps == 1
    assert all(torch.equal(again.module.state_dict()[name], before[name]) for name in before)
    assert (tmp_path / "run" / "report.html").exists()


def test_a_folder_with_a_run_is_not_taken_over(configure: Configure, tmp_path: Path) -> None:
    once = {"train.total_iter": 1}
    train(configure(once), tmp_path / "run")
    with pytest.raises(TrainingError, match="holds a run already") as caught:
        train(configure(once), tmp_path / "run")
    assert "--resume" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="cannot resume with manual_seed 5, the run has 0"):
        train(configure(once | {"manual_seed": 5}), tmp_path / "run", resume=True)


def test_a_run_begun_before_a_key_existed_goes_on(configure: Configure, tmp_path: Path) -> None:
    config = configure({"train.total_iter": 2})
    assert train(config, tmp_path / "run", max_seconds=0).step == 1
    path = tmp_path / "run" / "config.yml"
    values = read_config(path)
    del values["train"]["clip_grad_norm"], values["datasets"]["train"]["use_hflip"]
    path.write_text(yaml.safe_dump(values))
    assert train(config, tmp_path / "run", resume=True).step == 2


def test_a_run_goes_on_past_a_damaged_state_and_keeps_two_whole_ones(
    configure: Configure, fingerprint: Fingerprint, tmp_path: Path
) -> None:
    train(configure(), tmp_path / "whole")
    run = tmp_path / "run"
    train(configure(), run, max_seconds=0)
    states = run / "training_states"
    (only,) = states.iterdir()
    for later in (5, 9):  # as a kill leaves them: newer, damaged, not yet dropped
        damaged = bytearray(only.read_bytes())
        damaged[-1] ^= 1
        (states / f"state-{later:08d}.safetensors").write_bytes(damaged)
    lines = Lines()
    train(configure(), run, resume=True, max_seconds=0, watch=lines)
    assert sum("trying the state before it" in line for line in lines.lines) == 2
    assert [path.name for path in sorted(states.iterdir())] == [
        "state-00000001.safetensors",
        "state-00000002.safetensors",
    ]
    train(configure(), run, resume=True)
    assert fingerprint(run) == fingerprint(tmp_path / "whole")


def test_a_run_stopped_before_its_first_validation_leaves_weights_to_try(
    configure: Configure, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert train(configure(), run, max_seconds=0).checkpoint is None
    first = checkpoint.load(run / "models" / "tiny.safetensors")
    assert (first.card.steps, first.card.scores) == (1, [])
    outcome = train(configure(), run, resume=True)
    assert checkpoint.load(str(outcome.checkpoint)).card.steps == 12


def test_a_folder_in_which_a_run_goes_on_is_refused(configure: Configure, tmp_path: Path) -> None:
    class Second(Watcher):
        def stepped(self, step: int, pace: Pace) -> None:
            for resume in (False, True):
                with pytest.raises(TrainingError, match="run: another process is training here"):
                    train(configure(), tmp_path / "run", resume=resume)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(configure(), tmp_path / "run", watch=Second())
    assert train(configure(), tmp_path / "run").step == 12
