"""A run learns, repeats itself, goes on bit for bit after a stop, and never overwrites another."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from srkit import checkpoint
from srkit.data.batches import Batch, BatchSource
from srkit.errors import ConfigError, DataError, TrainingError
from srkit.models import build_model
from srkit.training.config import TrainingConfig
from srkit.training.loop import Outcome, train
from srkit.training.optimizers import OPTIMIZERS
from srkit.training.watch import Watchers

Configure = Callable[..., TrainingConfig]
Fingerprint = Callable[[Path], dict[str, str]]


class Lines(Watchers):
    """Keep what a run says."""

    def __init__(self) -> None:
        super().__init__([])
        self.lines: list[str] = []

    def said(self, line: str) -> None:
        self.lines.append(line)


def test_learns_and_writes_a_checkpoint_that_loads(configure: Configure, tmp_path: Path) -> None:
    config = configure(
        {"train.total_iter": 150, "train.optim_g.lr": 3e-3, "val.val_freq": 150, "logger": {}}
        | {"logger.print_freq": 3}
    )
    outcome = train(config, tmp_path / "run", command="srkit train --config tiny.yml")
    assert outcome.checkpoint == tmp_path / "run" / "models" / "tiny.safetensors"
    trained = checkpoint.load(outcome.checkpoint)
    assert trained.card.steps == 150
    assert trained.card.command == "srkit train --config tiny.yml"
    assert trained.card.scores[0]["protocol"] == "sr-y"
    assert trained.card.scores[0]["scale"] == 2
    rows = (tmp_path / "run" / "log" / "log.csv").read_text().splitlines()
    losses = [float(row.split(",")[1]) for row in rows[1:] if row.split(",")[1]]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_the_folder_holds_what_a_run_leaves(configure: Configure, tmp_path: Path) -> None:
    train(configure(), tmp_path / "run", command="srkit train --name tiny")
    found = {path.name for path in (tmp_path / "run").iterdir()}
    assert found == {
        "config.yml",
        "command.txt",
        "report.html",
        "models",
        "training_states",
        "visualization",
        "log",
    }
    assert (tmp_path / "run" / "command.txt").read_text() == "srkit train --name tiny\n"
    assert len(list((tmp_path / "run" / "training_states").iterdir())) == 2
    assert list((tmp_path / "run" / "visualization").rglob("*.png"))


def test_another_seed_is_another_run(
    configure: Configure, fingerprint: Fingerprint, tmp_path: Path
) -> None:
    train(configure(), tmp_path / "one")
    train(configure({"manual_seed": 1}), tmp_path / "two")
    assert fingerprint(tmp_path / "one") != fingerprint(tmp_path / "two")


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


def test_the_time_that_is_given_stops_resumably(
    configure: Configure, fingerprint: Fingerprint, tmp_path: Path
) -> None:
    train(configure(), tmp_path / "whole")
    for step in (1, 2):  # a session always does one step
        outcome = train(configure(), tmp_path / "run", max_seconds=0, resume=step > 1)
        assert outcome == Outcome(step=step, checkpoint=None, signal=None)
    assert train(configure(), tmp_path / "run", resume=True).step == 12
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "whole")


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


def test_a_disk_that_refuses_is_one_line(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written"):
        train(configure(), tmp_path / "file" / "run")


def test_a_folder_with_a_run_is_not_taken_over(configure: Configure, tmp_path: Path) -> None:
    once = {"train.total_iter": 1}
    train(configure(once), tmp_path / "run")
    with pytest.raises(TrainingError, match="holds a run already") as caught:
        train(configure(once), tmp_path / "run")
    assert "--resume" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="cannot resume with manual_seed 5, the run has 0"):
        train(configure(once | {"manual_seed": 5}), tmp_path / "run", resume=True)


def test_batches_may_be_traded_for_accumulation(
    configure: Configure, fingerprint: Fingerprint, tmp_path: Path
) -> None:
    train(configure(), tmp_path / "run", max_seconds=0)
    halves = {"datasets.train.batch_size_per_gpu": 1, "train.accumulate": 2}
    assert train(configure(halves), tmp_path / "run", resume=True).step == 12
    with pytest.raises(ConfigError, match="a step took 2 patches, now it would take 4") as caught:
        train(configure({"train.accumulate": 2}), tmp_path / "run", resume=True)
    assert "batch_size_per_gpu" in str(caught.value.hint)


def test_accumulated_batches_are_one_large_batch(configure: Configure, tmp_path: Path) -> None:
    def weights(changes: dict[str, object], name: str) -> dict[str, Tensor]:
        outcome = train(configure({"train.total_iter": 3} | changes), tmp_path / name)
        return checkpoint.load(str(outcome.checkpoint)).module.state_dict()

    whole = weights({"datasets.train.batch_size_per_gpu": 4}, "whole")
    parts = weights({"datasets.train.batch_size_per_gpu": 1, "train.accumulate": 4}, "parts")
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=0, atol=2e-6)


def test_a_patch_schedule_is_followed(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = BatchSource.draw
    seen: list[tuple[int, ...]] = []

    def noting(source: BatchSource, step: int, start: int, stop: int) -> Batch:
        batch = draw(source, step, start, stop)
        seen.append(tuple(batch.hr.shape))
        return batch

    monkeypatch.setattr(BatchSource, "draw", noting)
    schedule = [{"from_iter": 2, "gt_size": 64, "batch_size_per_gpu": 1}]
    train(configure({"train.patch_schedule": schedule, "train.total_iter": 4}), tmp_path / "run")
    assert seen == [(2, 3, 32, 32)] * 2 + [(1, 3, 64, 64)] * 2


def test_stops_early_with_the_best_weights(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A rate this high makes every validation after the first worse.
    changes = {
        "train.early_stop": {"patience": 2},
        "train.optim_g.lr": 0.3,
        "train.warmup_iter": 0,
        "train.total_iter": 40,
        "train.ema_decay": 0.0,
        "val.val_freq": 2,
        "train.scheduler": {"type": "Constant"},
    }
    outcome = train(configure(changes), tmp_path / "run")
    assert outcome.step < 40
    kept = checkpoint.load(str(outcome.checkpoint))
    rows = (tmp_path / "run" / "log" / "log.csv").read_text().splitlines()[1:]
    scored = {int(r.split(",")[0]): float(r.split(",")[5]) for r in rows if r.split(",")[5]}
    best = max(scored, key=lambda step: scored[step])
    assert kept.card.steps == best
    assert outcome.step == best + 4
    again = train(configure(changes), tmp_path / "run", resume=True)
    assert again == outcome


def test_early_stop_needs_something_to_watch(configure: Configure, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no validation set to watch"):
        train(
            configure({"train.early_stop": {"patience": 2}, "datasets.val": []}),
            tmp_path / "run",
        )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_trains_in_every_precision_a_processor_has(
    configure: Configure, tmp_path: Path, precision: str
) -> None:
    config = configure(
        {"train.total_iter": 60, "train.optim_g.lr": 3e-3, "train.precision": precision}
    )
    train(config, tmp_path / "run")
    rows = (tmp_path / "run" / "log" / "log.csv").read_text().splitlines()[1:]
    losses = [float(row.split(",")[1]) for row in rows if row.split(",")[1]]
    assert losses[-1] < 0.8 * losses[0]
    weights = checkpoint.load(tmp_path / "run" / "models" / "tiny.safetensors").module
    assert all(weight.dtype == torch.float32 for weight in weights.parameters())


def test_a_precision_the_device_lacks_is_refused(configure: Configure, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cpu cannot train in float16 here") as caught:
        train(configure({"train.precision": "float16"}), tmp_path / "run", device="cpu")
    assert caught.value.hint == "choose float32 or bfloat16"


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


@pytest.mark.parametrize("model", ["lpae", "lpsr"])
@pytest.mark.parametrize("joint", [False, True])
def test_the_other_models_train(
    configure: Configure, tmp_path: Path, model: str, joint: bool
) -> None:
    if model == "lpae" and joint:
        pytest.skip("an LPAE has no stages")
    lpae = tmp_path / "lpae.safetensors"
    checkpoint.save(lpae, build_model("lpae"), checkpoint.Card(name="lpae"))
    settings = {} if model == "lpae" else {"features": 8, "blocks": 1}
    config = configure(
        {
            "scale": None,
            "network_g": {"type": model, **settings},
            "path.pretrain_network_g": str(lpae),
            "train.total_iter": 3,
            "train.joint_lpae": joint,
        }
    )
    trained = checkpoint.load(str(train(config, tmp_path / "run").checkpoint))
    assert trained.model == model
    if model == "lpsr":  # in the first stage its autoencoder stays as it was
        given, now = checkpoint.load(lpae).module.state_dict(), trained.module.state_dict()
        moved = [name for name in given if not torch.equal(now[f"lpae.{name}"], given[name])]
        assert bool(moved) == joint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network_g": {"type": "lapwave"}}, "unknown model 'lapwave'"),
        (
            {"network_g": {"type": "lapwave-s", "image_channels": 1}},
            "image_channels must be 3 .* got 1",
        ),
        (
            {
                "scale": None,
                "network_g": {"type": "lpae", "levels": 3},
                "datasets.train.gt_size": 20,
            },
            "gt_size: must be a multiple of 8 for lpae, got 20",
        ),
        ({"network_g": {"type": "lpsr"}, "scale": 16}, "scale must be one of .* got 16"),
        ({"datasets.val": [{"dataroot_gt": "absent"}]}, "absent: no such folder"),
        ({"train.losses": {"l3": 1}}, "unknown loss 'l3'"),
        ({"datasets.train.dataroot_gt": "absent"}, "absent"),
        ({"datasets.train.gt_size": 1024}, "astronaut.png"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_written(
    configure: Configure, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        train(configure(changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)
