"""P11: a loss that is not finite ends the run in the same step and spoils no checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn import Module

from srkit import checkpoint
from srkit.errors import TrainingError
from srkit.training import learner, loop
from srkit.training.config import TrainingConfig
from srkit.training.engine import engine
from srkit.training.learner import Learner
from srkit.training.loop import train
from srkit.training.objective import Objective
from srkit.training.objectives import SuperResolution
from srkit.training.state import read_state


def configuration(images: Path, *, validated: bool = True, steps: int = 12) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {
            "name": "tiny",
            "scale": 2,
            "datasets": {
                "train": {"dataroot_gt": str(images), "gt_size": 32, "batch_size_per_gpu": 2},
                "val": [{"dataroot_gt": str(images)}] if validated else [],
            },
            "network_g": {"type": "lapwave-s", "features": 8, "blocks": 1, "expansion": 0},
            "train": {"total_iter": steps, "warmup_iter": 0, "scheduler": {"type": "Constant"}},
            "val": {"val_freq": 6},
            "logger": {"save_checkpoint_freq": 4},
        }
    )


@pytest.mark.promise
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_stops_in_the_same_step(
    hr_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: float, where: str
) -> None:
    calls = 0

    def poison(tensor: Tensor) -> Tensor:
        """Give the loss, spoilt in the ninth step: in its value, or on the way back alone."""
        nonlocal calls
        calls += 1
        if calls != 9:
            return tensor
        if where == "loss":
            return tensor * value
        tensor.register_hook(lambda gradient: gradient * value)
        return tensor

    class Poisoned(SuperResolution):
        def total(self, terms: dict[str, Tensor]) -> Tensor:  # type: ignore[override]
            return poison(super().total(terms))

    def create(model: Module, weights: dict[str, float]) -> Objective:
        return Poisoned(model, weights)  # type: ignore[arg-type]

    config = configuration(hr_folder)
    monkeypatch.setattr(learner, "create_objective", create)
    with pytest.raises(TrainingError, match=r"at step 9, learning rate 0\.001") as caught:
        train(config, tmp_path / "run")
    assert "smaller --learning-rate" in str(caught.value.hint)
    assert f"stopped: {caught.value}" in (tmp_path / "run" / "log" / "log.txt").read_text()
    assert (tmp_path / "run" / "report.html").exists()
    good = checkpoint.load(tmp_path / "run" / "models" / "tiny.safetensors")
    assert good.card.steps == 6
    assert all(weight.isfinite().all() for weight in good.module.parameters())
    saved = read_state(tmp_path / "run" / "training_states")
    assert saved is not None
    assert saved[0].step == 8
    assert all(
        tensor.isfinite().all() for tensor in saved[1].values() if tensor.is_floating_point()
    )

    monkeypatch.undo()  # without the poison the run goes on from there
    assert train(config, tmp_path / "run", resume=True).step == 12


@pytest.mark.promise
@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize("step", [8, 11])
def test_weights_that_an_update_spoils_are_not_saved(
    hr_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, validated: bool
) -> None:
    update = Learner.update

    def spoil(learning: Learner, done: int, rate: float) -> None:
        update(learning, done, rate)
        if done == step - 1:
            learning.trained[0].data[0] = float("nan")

    config = configuration(hr_folder, validated=validated)
    monkeypatch.setattr(Learner, "update", spoil)
    with pytest.raises(TrainingError, match=rf"at step {step}, learning rate|at step {step + 1}, "):
        train(config, tmp_path / "run")
    good = checkpoint.load(tmp_path / "run" / "models" / "tiny.safetensors")
    assert good.card.steps == 6
    assert all(weight.isfinite().all() for weight in good.module.parameters())
    saved = read_state(tmp_path / "run" / "training_states")
    assert saved is not None
    assert saved[0].step == (4 if step == 8 else 8)


@pytest.mark.promise
def test_scaled_gradients_that_never_become_finite_stop_the_run(
    hr_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hopeless(SuperResolution):
        def total(self, terms: dict[str, Tensor]) -> Tensor:  # type: ignore[override]
            total = super().total(terms)
            total.register_hook(lambda gradient: gradient * float("nan"))
            return total

    def scaled(engine: Accelerator) -> Accelerator:
        """Give float16's loss scaling to an engine on a processor, which has none of its own."""
        engine.scaler = torch.amp.GradScaler("cpu")
        return engine

    @contextmanager
    def engine_with_scaler(device: str, precision: str) -> Iterator[Accelerator]:
        with engine(device, precision) as accelerator:
            yield scaled(accelerator)

    config = configuration(hr_folder, steps=40)
    monkeypatch.setattr(loop, "engine", engine_with_scaler)
    monkeypatch.setattr(learner, "create_objective", Hopeless)
    with pytest.raises(TrainingError, match=r"gradient nan at step 18, learning rate"):
        train(config, tmp_path / "run")
