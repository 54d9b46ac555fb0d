"""The training loop, from the first step to the released checkpoint."""

import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import nn

from srkit.checkpoint import Card, load, save
from srkit.data.batches import BatchSource
from srkit.data.pairs import load_pairs
from srkit.errors import ConfigError, TrainingError
from srkit.evaluation.evaluate import score
from srkit.evaluation.pairs import Pair, prepare
from srkit.files import write_atomically
from srkit.layers.registry import lookup
from srkit.models import PRESETS, build_model
from srkit.models.lpae import LPAE
from srkit.models.lpsr import LPSR
from srkit.models.model import Model
from srkit.training.average import WeightAverage
from srkit.training.config import TrainingConfig, command_line
from srkit.training.log import RunLog
from srkit.training.objectives import objective_for
from srkit.training.schedule import learning_rate
from srkit.training.state import Counters, read_state, restore, save_state

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended: `checkpoint` is None when it was asked to stop before its last step."""

    step: int
    checkpoint: Path | None
    signal: int | None


def train(
    config: TrainingConfig, folder: Path, *, resume: bool = False, say: Say = lambda line: None
) -> Outcome:
    """Train a model as configured, in `folder`, and write its checkpoint there.

    The folder gets `config.json`, `models/`, `training_states/` and `log.csv`. SIGINT and SIGTERM
    end the step, save the state and return.

    Raises: ConfigError when the folder holds another run; DataError and ImageError for the data
        set; TrainingError when the loss is not finite or the folder cannot be written.
    """
    torch.manual_seed(config.seed)
    model = _build(config)
    optimizer = torch.optim.AdamW(
        [weight for weight in model.parameters() if weight.requires_grad],
        lr=config.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=config.weight_decay,
        foreach=True,
    )
    average = WeightAverage(model, config.ema)
    counters = Counters()
    states = folder / "training_states"
    _check(folder, config, resume=resume)
    if resume and (found := read_state(states, warn=lambda line: say(f"warning: {line}"))):
        counters, tensors = found
        restore(tensors, model, average, optimizer)
        say(f"resumed after step {counters.step}")

    pairs = load_pairs(
        Path(config.dataset),
        scale=model.scale,
        patch_size=config.patch_size,
    )
    megapixels = sum(pair.hr.shape[0] * pair.hr.shape[1] for pair in pairs) / 1e6
    say(f"{len(pairs)} HR images, {megapixels:.1f} Mpx, from {config.dataset}")
    batches = BatchSource(
        pairs,
        scale=model.scale,
        patch_size=config.patch_size,
        batch_size=config.batch_size,
        seed=config.seed,
    )
    validation = {Path(f).name: prepare(Path(f), model.scale) for f in config.validation}
    parameters = sum(weight.numel() for weight in model.parameters())
    say(f"{config.model}: {parameters:,} parameters; {config.steps:,} steps")

    _claim(folder, config)
    log = RunLog(folder / "log.csv", step=counters.step)
    objective = objective_for(model)
    trained = folder / "models" / f"{config.name}.safetensors"
    pace = Pace(done=counters.step, seconds=counters.seconds)
    model.train()
    with _asked_to_stop() as stop:
        while counters.step < config.steps and not stop:
            step = counters.step
            rate = learning_rate(
                step, peak=config.learning_rate, warmup=config.warmup, steps=config.steps
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = objective(model, batches.draw(step))
            value = loss.item()
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss is {value} at step {step}, learning rate {rate:.3g}",
                    hint="start a new run with a smaller --learning-rate",
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), config.clip_gradient)
            optimizer.step()
            average.update(model, step)

            counters.step += 1
            counters.loss_sum += value
            counters.seconds = pace.seconds()
            last = counters.step == config.steps
            if counters.step % config.log_every == 0:
                mean = counters.loss_sum / config.log_every
                counters.loss_sum = 0.0
                log.loss(step=counters.step, loss=mean, learning_rate=rate)
                say(
                    f"step {counters.step:,} of {config.steps:,}  loss {mean:.5f}  "
                    f"rate {rate:.2e}  {pace.words(counters.step, config.steps)}"
                )
            if counters.step % config.validate_every == 0 or last:
                scores = _validate(average.model, validation, counters.step, log, say)
                save(trained, average.model, _card(config, counters, scores))
            if counters.step % config.save_every == 0 or last or stop:
                save_state(states, counters, model, average, optimizer)
        if counters.step < config.steps:
            say(f"stopped after step {counters.step:,}; go on with --resume")
            return Outcome(step=counters.step, checkpoint=None, signal=stop[0])
    say(f"wrote {trained}")
    return Outcome(step=counters.step, checkpoint=trained, signal=None)


def _build(config: TrainingConfig) -> Model:
    kind, settings = lookup(PRESETS, "model", config.model)
    model = build_model(kind, {**settings, **config.model_settings})
    if config.pretrained is not None:
        taken = transfer(load(config.pretrained).module, model)
        if not taken:
            raise ConfigError(
                f"pretrained: {config.pretrained} shares no tensor with {config.model}"
            )
    return model.to(memory_format=torch.channels_last)


def transfer(source: Model, target: Model) -> list[str]:
    """Copy every tensor that has the same name and shape in both; give their names.

    Taken so, a network of another scale passes on its entrance and body, and an LPAE alone its
    weights to the LPAE inside an LPSR.
    """
    ours = target.state_dict()
    theirs = source.state_dict()
    if isinstance(source, LPAE) and isinstance(target, LPSR):
        theirs = {f"lpae.{name}": tensor for name, tensor in theirs.items()}
    taken = [name for name in ours if name in theirs and ours[name].shape == theirs[name].shape]
    target.load_state_dict({**ours, **{name: theirs[name] for name in taken}})
    return taken


def _check(folder: Path, config: TrainingConfig, *, resume: bool) -> None:
    """Refuse a folder that holds another run, or this one unless it is to be resumed."""
    path = folder / "config.json"
    if not path.exists():
        return
    if not resume:
        raise ConfigError(
            f"{folder}: holds a run already", hint="go on with --resume or give another --name"
        )
    theirs = json.loads(path.read_text(encoding="utf-8"))
    for key, value in config.model_dump().items():
        if value != theirs.get(key):
            raise ConfigError(
                f"{folder}: cannot resume with {key} {value!r}, the run has {theirs.get(key)!r}"
            )


def _claim(folder: Path, config: TrainingConfig) -> None:
    """Make the folder this run's by writing its configuration there."""
    text = json.dumps(config.model_dump(), indent=2) + "\n"
    try:
        (folder / "models").mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "config.json", lambda file: file.write(text.encode()))
    except OSError as error:
        raise TrainingError(f"{folder}: cannot be written ({error.strerror or error})") from None


def _validate(
    model: Model, validation: dict[str, list[Pair]], step: int, log: RunLog, say: Say
) -> list[dict[str, Any]]:
    """Score the averaged weights on every validation folder."""
    # An autoencoder gives back what it was given, colours included: luma alone would flatter it.
    protocol = "sr-rgb" if model.scale == 1 else "sr-y"
    scores = []
    for name, pairs in validation.items():
        result = score(model, pairs, protocol)
        log.score(step=step, set_name=name, protocol=protocol, psnr=result.psnr, ssim=result.ssim)
        say(f"step {step:,}  {name} {protocol}  PSNR {result.psnr:.3f}  SSIM {result.ssim:.4f}")
        scores.append(
            {
                "set": name,
                "protocol": protocol,
                "scale": model.scale,
                "psnr": round(result.psnr, 4),
                "ssim": round(result.ssim, 6),
            }
        )
    return scores


def _card(config: TrainingConfig, counters: Counters, scores: list[dict[str, Any]]) -> Card:
    return Card(
        name=config.name,
        data=Path(config.dataset).name,
        command=command_line(config),
        steps=counters.step,
        hours=round(counters.seconds / 3600, 3),
        scores=scores,
    )


class Pace:
    """Time spent and time left, over all the sessions of a run."""

    def __init__(self, *, done: int, seconds: float) -> None:
        self._done, self._seconds, self._began = done, seconds, time.monotonic()

    def seconds(self) -> float:
        """Give the seconds spent on the run so far."""
        return self._seconds + time.monotonic() - self._began

    def words(self, step: int, steps: int) -> str:
        """Say the rate of this session and the time left at that rate."""
        rate = (step - self._done) / max(time.monotonic() - self._began, 1e-9)
        left = int((steps - step) / max(rate, 1e-9))
        return f"{rate:.2f} steps/s  {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left"


@contextmanager
def _asked_to_stop() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of dying of them; a second one does kill."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield received  # only the main thread may handle signals
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
