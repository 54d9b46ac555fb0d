"""A run learns, repeats itself, goes on bit for bit after a stop, and never overwrites another."""

import hashlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor, nn

from srkit import checkpoint
from srkit.cli.main import app
from srkit.data.batches import Batch, BatchSource
from srkit.errors import ConfigError, DataError, TrainingError
from srkit.models import build_model
from srkit.models.lpae import LPAE
from srkit.models.lpsr import LPSR, Prediction
from srkit.training import loop
from srkit.training.config import TrainingConfig, command_line
from srkit.training.loop import Outcome, train
from srkit.training.objectives import autoencoding, band_prediction
from srkit.training.pace import parse_duration
from srkit.training.transfer import start_from, transfer


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    Image.fromarray(data.astronaut()[:160, 150:310]).save(folder / "astronaut.png")
    Image.fromarray(data.chelsea()[50:190, 100:260]).save(folder / "cat.png")
    return folder


def configure(photographs: Path, **changes: object) -> TrainingConfig:
    values: dict[str, object] = {
        "name": "tiny",
        "model": "lapwave-s",
        "model_settings": {"features": 8, "blocks": 1, "scale": 2},
        "dataset": str(photographs),
        "steps": 12,
        "batch_size": 2,
        "patch_size": 16,
        "warmup": 2,
        "log_every": 3,
        "validate_every": 6,
        "save_every": 5,
        "validation": [str(photographs)],
    }
    return TrainingConfig.parse(values | changes)


def fingerprint(folder: Path) -> dict[str, str]:
    """Hash the log, and every tensor of the last state: weights, average, optimizer, RNG."""
    (state, *_) = sorted((folder / "training_states").iterdir(), reverse=True)
    _, tensors = checkpoint.read_tensors(state)
    found = {name: hashlib.sha256(t.numpy().tobytes()).hexdigest() for name, t in tensors.items()}
    return found | {"log": (folder / "log.csv").read_text()}


def test_learns_and_writes_a_checkpoint_that_loads(photographs: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    config = configure(photographs, steps=150, learning_rate=3e-3, validate_every=150)
    outcome = train(config, tmp_path / "run", say=lines.append)
    assert outcome.checkpoint is not None
    trained = checkpoint.load(outcome.checkpoint)
    assert trained.card.steps == 150
    assert trained.card.scores[0]["protocol"] == "sr-y"
    rows = (tmp_path / "run" / "log.csv").read_text().splitlines()
    losses = [float(row.split(",")[1]) for row in rows[1:] if row.split(",")[1]]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert any("steps/s" in line for line in lines)


def test_two_equal_runs_are_equal_to_the_bit(photographs: Path, tmp_path: Path) -> None:
    config = configure(photographs)
    train(config, tmp_path / "one")
    train(config, tmp_path / "two")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")


def test_another_seed_is_another_run(photographs: Path, tmp_path: Path) -> None:
    train(configure(photographs), tmp_path / "one")
    train(configure(photographs, seed=1), tmp_path / "two")
    assert fingerprint(tmp_path / "one") != fingerprint(tmp_path / "two")


@pytest.mark.promise
def test_a_killed_run_resumes_bit_identical(photographs: Path, tmp_path: Path) -> None:
    """Kill -9 in the middle of a step after the first saved state, then resume."""
    config = configure(photographs)
    train(config, tmp_path / "whole")
    child = (
        "import os, signal, sys; from pathlib import Path\n"
        "from srkit.data.batches import BatchSource\n"
        "from srkit.training.config import TrainingConfig\n"
        "from srkit.training.loop import train\n"
        "draw = BatchSource.draw\n"
        "def dying(self, step):\n"
        "    if step == 8: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return draw(self, step)\n"
        "BatchSource.draw = dying\n"
        "config = TrainingConfig.model_validate_json(sys.argv[1])\n"
        "train(config, Path(sys.argv[2]))\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", child, config.model_dump_json(), str(tmp_path / "killed")],
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    train(config, tmp_path / "killed", resume=True)
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "whole")


def test_a_signal_saves_and_stops(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(photographs)
    train(config, tmp_path / "whole")
    draw = BatchSource.draw

    def interrupted(source: BatchSource, step: int) -> Batch:
        if step == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return draw(source, step)

    monkeypatch.setattr(BatchSource, "draw", interrupted)
    outcome = train(config, tmp_path / "run")
    assert outcome == Outcome(step=8, checkpoint=None, signal=signal.SIGTERM)
    monkeypatch.undo()
    assert train(config, tmp_path / "run", resume=True).step == 12
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "whole")


def test_the_time_that_is_given_stops_resumably(photographs: Path, tmp_path: Path) -> None:
    config = configure(photographs)
    train(config, tmp_path / "whole")
    for step in (1, 2):  # a session always does one step
        outcome = train(config, tmp_path / "run", max_seconds=0, resume=step > 1)
        assert outcome == Outcome(step=step, checkpoint=None, signal=None)
    assert train(config, tmp_path / "run", resume=True).step == 12
    assert fingerprint(tmp_path / "run") == fingerprint(tmp_path / "whole")


@pytest.mark.parametrize("text", ["", "2", "h", "0s", "2h x", "-1h"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--max-time"):
        parse_duration(text)


def test_a_damaged_state_is_passed_over(photographs: Path, tmp_path: Path) -> None:
    config = configure(photographs)
    train(config, tmp_path / "run")
    whole = fingerprint(tmp_path / "run")
    newest = max((tmp_path / "run" / "training_states").iterdir())
    damaged = bytearray(newest.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    newest.write_bytes(damaged)
    lines: list[str] = []
    train(config, tmp_path / "run", resume=True, say=lines.append)
    assert "damaged" in lines[0]
    assert "resumed after step 10" in lines
    assert fingerprint(tmp_path / "run") == whole


def test_all_states_damaged_is_an_error(photographs: Path, tmp_path: Path) -> None:
    config = configure(photographs)
    train(config, tmp_path / "run")
    for state in (tmp_path / "run" / "training_states").iterdir():
        state.write_bytes(bytes(100))
    with pytest.raises(TrainingError, match="every saved state is damaged"):
        train(config, tmp_path / "run", resume=True)


def test_a_loss_that_is_not_finite_stops_and_leaves_the_checkpoint(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = BatchSource.draw

    def poisoned(source: BatchSource, step: int) -> Batch:
        batch = draw(source, step)
        return Batch(batch.lr * float("nan"), batch.hr) if step == 8 else batch

    monkeypatch.setattr(BatchSource, "draw", poisoned)
    with pytest.raises(TrainingError, match=r"the loss is nan .* at step 8, learning rate"):
        train(configure(photographs), tmp_path / "run")
    good = checkpoint.load(tmp_path / "run" / "models" / "tiny.safetensors")
    assert good.card.steps == 6
    assert all(weight.isfinite().all() for weight in good.module.parameters())


def test_a_gradient_that_is_not_finite_stops_and_leaves_the_checkpoint(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = nn.utils.clip_grad_norm_
    calls = iter(range(100))

    def poisoned(parameters: Iterable[Tensor], limit: float) -> Tensor:
        weights = list(parameters)
        if next(calls) == 8:
            assert weights[0].grad is not None
            weights[0].grad.fill_(float("inf"))
        return clip(weights, limit)

    monkeypatch.setattr(nn.utils, "clip_grad_norm_", poisoned)
    with pytest.raises(TrainingError, match=r"its gradient (inf|nan) at step 8"):
        train(configure(photographs), tmp_path / "run")
    monkeypatch.undo()
    assert train(configure(photographs), tmp_path / "run", resume=True).step == 12


def test_a_finished_run_is_left_alone(photographs: Path, tmp_path: Path) -> None:
    config = configure(photographs, steps=1)
    outcome = train(config, tmp_path / "run")
    assert outcome.checkpoint is not None
    before = outcome.checkpoint.read_bytes()
    lines: list[str] = []
    assert train(config, tmp_path / "run", resume=True, say=lines.append) == outcome
    assert lines == ["finished already, after step 1"]
    assert outcome.checkpoint.read_bytes() == before


def test_resuming_nothing_says_so(photographs: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    train(configure(photographs, steps=1), tmp_path / "run", resume=True, say=lines.append)
    assert "no state to resume from" in lines


def test_people_get_the_log_as_a_file_too(photographs: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    train(configure(photographs), tmp_path / "run", say=lines.append)
    written = (tmp_path / "run" / "log.txt").read_text().splitlines()
    assert written == lines
    assert any("PSNR" in line for line in written)


def test_a_disk_that_refuses_is_one_line(photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="cannot be written"):
        train(configure(photographs, steps=1), tmp_path / "file" / "run")


def test_the_command_line_on_the_card_repeats_the_run(
    photographs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"features": 8, "blocks": 1, "scale": 2, "attention": "eca"}
    config = configure(photographs, ema=0.9, seed=3, model_settings=settings)
    repeated: list[TrainingConfig] = []

    def remember(given: TrainingConfig, *_: object, **__: object) -> Outcome:
        repeated.append(given)
        return Outcome(step=0, checkpoint=tmp_path, signal=None)

    monkeypatch.setattr(loop, "train", remember)
    app(shlex.split(command_line(config))[1:], standalone_mode=False)
    assert repeated == [config]


def test_a_folder_with_a_run_is_not_taken_over(photographs: Path, tmp_path: Path) -> None:
    train(configure(photographs, steps=1), tmp_path / "run")
    with pytest.raises(ConfigError, match="holds a run already") as caught:
        train(configure(photographs, steps=1), tmp_path / "run")
    assert "--resume" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="cannot resume with seed 5, the run has 0"):
        train(configure(photographs, steps=1, seed=5), tmp_path / "run", resume=True)


def test_starts_from_the_body_of_another_scale(photographs: Path, tmp_path: Path) -> None:
    outcome = train(configure(photographs), tmp_path / "x2")
    source = checkpoint.load(str(outcome.checkpoint)).module
    target = build_model("sr_network", {"features": 8, "blocks": 1, "scale": 4})
    taken = transfer(source, target)
    assert "body.0.first.weight" in taken
    assert "head.predict.weight" not in taken
    assert torch.equal(
        target.state_dict()["body.0.first.weight"], source.state_dict()["body.0.first.weight"]
    )


def test_lpsr_takes_the_weights_of_an_autoencoder() -> None:
    lpae = build_model("lpae")
    lpsr = build_model("lpsr", {"features": 8, "blocks": 1})
    assert len(transfer(lpae, lpsr)) == len(lpae.state_dict())
    assert torch.equal(
        lpsr.state_dict()["lpae.decoder.0.weight"], lpae.state_dict()["decoder.0.weight"]
    )


def test_an_lpsr_without_a_trained_autoencoder_is_refused(tmp_path: Path) -> None:
    lpsr = build_model("lpsr", {"features": 8, "blocks": 1})
    with pytest.raises(ConfigError, match="an LPSR decodes with a trained LPAE") as caught:
        start_from(None, lpsr)
    assert caught.value.hint == "--pretrained lpae"
    path = tmp_path / "thin.safetensors"
    checkpoint.save(path, build_model("lpae", {"hidden": 8}), checkpoint.Card(name="thin"))
    with pytest.raises(ConfigError, match="of 16 hidden channels"):
        start_from(str(path), lpsr)


@pytest.mark.parametrize("model", ["lpae", "lpsr"])
def test_the_other_models_train(photographs: Path, tmp_path: Path, model: str) -> None:
    lpae = tmp_path / "lpae.safetensors"
    checkpoint.save(lpae, build_model("lpae"), checkpoint.Card(name="lpae"))
    settings = {} if model == "lpae" else {"features": 8, "blocks": 1}
    config = configure(
        photographs, model=model, model_settings=settings, steps=3, pretrained=str(lpae)
    )
    outcome = train(config, tmp_path / "run")
    assert outcome.checkpoint is not None
    trained = checkpoint.load(outcome.checkpoint)
    assert trained.model == model
    if model == "lpsr":  # its autoencoder has stayed as it was
        given = checkpoint.load(lpae).module.state_dict()
        for name, tensor in given.items():
            assert torch.equal(trained.module.state_dict()[f"lpae.{name}"], tensor)


def test_a_pretrained_model_of_another_kind_is_refused(photographs: Path, tmp_path: Path) -> None:
    path = tmp_path / "lpae.safetensors"
    checkpoint.save(path, build_model("lpae"), checkpoint.Card(name="lpae"))
    with pytest.raises(ConfigError, match="shares no kernel with this model"):
        train(configure(photographs, pretrained=str(path)), tmp_path / "run")


@pytest.mark.parametrize("levels", [1, 2])
def test_the_autoencoder_s_loss_is_the_papers(levels: int) -> None:
    torch.manual_seed(0)
    model = build_model("lpae", {"levels": levels})
    assert isinstance(model, LPAE)
    x = torch.rand(2, 3, 16, 16)
    c1, d1 = model.approximation_encoder(x), model.detail_encoder(x)

    def halve(image: Tensor) -> Tensor:
        return nn.functional.interpolate(
            image, scale_factor=0.5, mode="bicubic", align_corners=True
        )

    expected = d1.square().mean() + 0.8 * (c1 - halve(x)).square().mean()
    below = c1
    if levels == 2:
        c2, d2 = model.approximation_encoder(c1), model.detail_encoder(c1)
        expected += d2.square().mean() + 0.8 * (c2 - halve(halve(x))).square().mean()
        below = d2 + model.decoder(c2)
    expected += (x - d1 - model.decoder(below)).abs().mean()
    torch.testing.assert_close(autoencoding(model, Batch(x, x)), expected)


def test_band_prediction_weighs_the_bands_as_the_paper_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    torch.manual_seed(0)
    model = build_model("lpsr", {"features": 8, "blocks": 1, "scale": 4})
    assert isinstance(model, LPSR)
    hr = torch.rand(1, 3, 16, 16)
    lr = hr[..., ::4, ::4]
    approximation, details = model.lpae.decompose(hr)
    monkeypatch.setattr(model, "predict", lambda lr: Prediction(approximation, details))
    perfect = model.lpae.reconstruct(approximation, details)
    loss = band_prediction(model, Batch(lr, hr))
    torch.testing.assert_close(loss, (perfect - hr).abs().mean())

    off = Prediction(approximation + 0.3, [details[0] + 0.1, details[1] - 0.2])
    monkeypatch.setattr(model, "predict", lambda lr: off)
    # Fine to coarse 1.0 and 0.8 on the details, 1 on the approximation, ten times their sum.
    expected = (model.lpae.reconstruct(*off) - hr).abs().mean() + 10 * (0.3 + 0.1 + 0.8 * 0.2)
    torch.testing.assert_close(band_prediction(model, Batch(lr, hr)), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps: input should be greater than 0, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate: .*finite.*, got nan"),
        ({"name": "a/b"}, "name: .*pattern.*, got 'a/b'"),
        ({"stepz": 3}, "stepz: extra inputs are not permitted, got 3"),
        ({"model": "lapwave"}, "unknown model 'lapwave'"),
        ({"name": ".."}, "name: .*pattern.*, got '..'"),
        ({"model_settings": {"image_channels": 1}}, "image_channels must be 3 .* got 1"),
        (
            {"model": "lpae", "model_settings": {"levels": 3}, "patch_size": 20},
            "patch_size must be a multiple of 8 for lpae, got 20",
        ),
        ({"model": "lpsr", "model_settings": {"scale": 16}}, "scale must be one of .* got 16"),
        ({"validation": ["absent"]}, "absent: no such folder"),
    ],
)
def test_a_wrong_setting_is_named(
    photographs: Path, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises((ConfigError, DataError), match=message):
        train(configure(photographs, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()
