"""A run learns, leaves what it should, and refuses what it cannot train on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from srkit import checkpoint
from srkit.errors import ConfigError, DataError, TrainingError
from srkit.training.config import EarlyStop, TrainingConfig
from srkit.training.loop import train
from srkit.training.state import Counters

Configure = Callable[..., TrainingConfig]
Fingerprint = Callable[[Path], dict[str, str]]


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
        ".srkit.lock",
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


def test_a_disk_that_refuses_is_one_line(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written"):
        train(configure(), tmp_path / "file" / "run")


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


def test_every_image_that_cannot_be_scored_on_is_named(
    configure: Configure, tmp_path: Path
) -> None:
    (tmp_path / "scored").mkdir()
    for name in ("cut.png", "no_image.jpg"):
        (tmp_path / "scored" / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    changes = {"datasets.val": [{"dataroot_gt": str(tmp_path / "scored")}]}
    with pytest.raises(DataError, match="validation set scored: 2 of 2 images") as caught:
        train(configure(changes), tmp_path / "run")
    assert "cut.png" in str(caught.value)
    assert "no_image.jpg" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_small_gains_are_kept_but_do_not_put_off_an_early_stop() -> None:
    counters, early = Counters(), EarlyStop(patience=2, min_delta=0.5)
    kept = []
    for score in (30.0, 30.4, 30.3, 30.6, 30.7, 30.9):
        counters.step += 10
        kept.append(counters.note(score, early))
        if counters.stale == early.patience:
            break
    assert kept == [True, True, False]  # 30.4 is no progress over 30, nor is 30.3
    assert (counters.best, counters.best_step) == (30.4, 20)
    assert counters.note(30.6, early)
    assert counters.stale == 0  # more than half a dB over 30


def test_early_stop_needs_something_to_watch(configure: Configure, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no validation set to watch"):
        train(
            configure({"train.early_stop": {"patience": 2}, "datasets.val": []}),
            tmp_path / "run",
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network_g": {"type": "lapwave"}}, "unknown model 'lapwave'"),
        (
            {"network_g": {"type": "lapwave-s", "image_channels": 1}},
            "has 3 bands, not 1",
        ),
        (
            {
                "scale": None,
                "network_g": {"type": "lpae", "levels": 3},
                "datasets.train.gt_size": 20,
            },
            "gt_size: must be a multiple of 8 for lpae, got 20",
        ),
        ({"network_g": {"type": "lpsr"}, "scale": 16}, "scale: must be one of .* got 16"),
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
