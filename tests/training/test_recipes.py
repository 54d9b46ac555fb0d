"""What a run can be asked to do: every setting of its recipe changes what it should."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from srkit import checkpoint
from srkit.data.batches import Batch, BatchSource
from srkit.errors import ConfigError
from srkit.models import build_model
from srkit.training.config import TrainingConfig
from srkit.training.loop import train
from srkit.training.network import create_network
from srkit.training.objectives import SuperResolution
from srkit.training.watch import RunFacts, Watcher

Configure = Callable[..., TrainingConfig]
Fingerprint = Callable[[Path], dict[str, str]]


class Facts(Watcher):
    """Keep what a run begins with."""

    facts: RunFacts | None = None

    def started(self, facts: RunFacts) -> None:
        self.facts = facts


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


def test_a_compiled_run_learns_what_a_plain_one_does(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile, seen = torch.nn.Module.compile, []

    def traced(module: torch.nn.Module) -> None:
        """Trace and guard the code, but spare the C++ compiler, which takes minutes."""
        seen.append(type(module))
        compile(module, backend="eager")

    monkeypatch.setattr(torch.nn.Module, "compile", traced)
    schedule = [{"from_iter": 2, "gt_size": 48, "batch_size_per_gpu": 1}]
    losses = []
    for compiled in (False, True):
        config = configure(
            {
                "train.total_iter": 4,
                "train.compile": compiled,
                "train.patch_schedule": schedule,
                "logger.print_freq": 1,
            }
        )
        train(config, tmp_path / f"{compiled}")
        rows = (tmp_path / f"{compiled}" / "log" / "log.jsonl").read_text().splitlines()
        losses.append([row["loss"] for row in map(json.loads, rows) if "loss" in row])
    assert seen == [SuperResolution]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_a_run_starts_from_another_scale_with_a_fresh_head(
    configure: Configure, tmp_path: Path
) -> None:
    plain = {"network_g.expansion": 0}  # products stand for a kernel only to rounding
    half = str(train(configure(plain | {"train.total_iter": 1}), tmp_path / "x2").checkpoint)
    facts = Facts()
    config = configure(
        {
            **plain,
            "scale": 4,
            "path.pretrain_network_g": half,
            "train.total_iter": 1,
            "train.optim_g.lr": 1e-30,
        }
    )
    outcome = train(config, tmp_path / "x4", watch=facts)
    taken, own = (
        checkpoint.load(path).module.state_dict() for path in (half, str(outcome.checkpoint))
    )
    for name, tensor in taken.items():
        if name.startswith("body."):
            assert torch.equal(own[name], tensor)
    torch.manual_seed(config.manual_seed)
    fresh = create_network(config).state_dict()
    heads = [name for name in own if name.startswith("head.")]
    assert heads
    assert all(torch.equal(own[name], fresh[name]) for name in heads)
    assert facts.facts is not None
    assert facts.facts.taken == f"took {len(own) - len(heads)} of {len(own)} tensors from {half}"


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
