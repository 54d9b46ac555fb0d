"""The training loop, from the first step to the checkpoint."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from srkit.checkpoint import Card, save
from srkit.data.batches import BatchSource
from srkit.data.datasets import resolve_dataset
from srkit.data.pairs import Pair, prepare
from srkit.data.training_set import load_training_set
from srkit.errors import ConfigError, TrainingError
from srkit.evaluation.benchmarks import find_dataset
from srkit.evaluation.evaluate import score
from srkit.files import write_atomically
from srkit.inference.device import choose_device
from srkit.layers.registry import lookup
from srkit.models import PRESETS, build_model
from srkit.models.model import Model
from srkit.training.average import WeightAverage
from srkit.training.config import TrainingConfig, command_line
from srkit.training.log import RunLog
from srkit.training.objectives import objective_for
from srkit.training.pace import Pace
from srkit.training.schedule import learning_rate
from srkit.training.state import Counters, read_state, restore, save_state
from srkit.training.stopping import asked_to_stop
from srkit.training.transfer import start_from

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run ended: `checkpoint` is None when it was asked to stop before its last step."""

    step: int
    checkpoint: Path | None
    signal: int | None


def train(
    config: TrainingConfig,
    folder: Path,
    *,
    data_root: Path | None = None,
    device: str = "auto",
    max_seconds: float = math.inf,
    resume: bool = False,
    say: Say = lambda line: None,
) -> Outcome:
    """Train a model as configured, in `folder`, and write its checkpoint there.

    The folder gets `config.json`, `models/`, `training_states/`, `log.csv` and `log.txt`. SIGINT,
    SIGTERM and `max_seconds` of training end the step, save the state and return. Images are held
    in memory: three bytes an HR pixel, and those of their LR images.

    Raises: ConfigError for a setting, or when the folder holds another run; DataError and
        ImageError for the data set; TrainingError when the loss is not finite or the folder
        cannot be written.
    """
    # All that can be wrong without reading an image is found out before the first is read.
    _check_folder(folder, config, resume=resume)
    target = choose_device(device)
    validation_sets = [find_dataset(name, data_root) for name in config.validation]
    names = [found.name for found in validation_sets]
    if len(set(names)) < len(names):
        raise ConfigError(f"validation: two sets of the same name in {', '.join(names)}")
    torch.manual_seed(config.seed)
    kind, settings = lookup(PRESETS, "model", config.model)
    model = build_model(kind, {**settings, **config.model_settings})
    _check_model(model, config)

    states = folder / "training_states"
    found = read_state(states, warn=lambda line: say(f"warning: {line}")) if resume else None
    # What a run started from is in its state.
    taken = None if found else start_from(config.pretrained, model)
    model.to(device=target, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(
        [weight for weight in model.parameters() if weight.requires_grad],
        lr=config.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=config.weight_decay,
        foreach=True,
    )
    average = WeightAverage(model, config.ema)
    counters = Counters()
    if found:
        counters, tensors = found
        restore(tensors, model, average, optimizer)
    trained = folder / "models" / f"{config.name}.safetensors"
    if counters.step >= config.steps and trained.exists():
        say(f"finished already, after step {counters.step:,}")
        return Outcome(step=counters.step, checkpoint=trained, signal=None)

    dataset = resolve_dataset(config.dataset, data_root, say=say)
    pairs = load_training_set(
        dataset, scale=model.scale, patch_size=config.patch_size, progress=_tell_every(100, say)
    )
    batches = BatchSource(
        pairs,
        scale=model.scale,
        patch_size=config.patch_size,
        batch_size=config.batch_size,
        seed=config.seed,
    )
    validation = {one.name: prepare(one.folder, model.scale) for one in validation_sets}
    objective = objective_for(model)
    try:
        _claim(folder, config)
        log = RunLog(folder, step=counters.step, say=say)
        megapixels = sum(pair.hr.shape[0] * pair.hr.shape[1] for pair in pairs) / 1e6
        parameters = sum(weight.numel() for weight in model.parameters())
        log.say(f"{config.model}: {parameters:,} parameters, on {target}; {config.steps:,} steps")
        log.say(f"{len(pairs)} HR images, {megapixels:.1f} Mpx, from {config.dataset}")
        if taken:
            log.say(taken)
        if resume:
            log.say(f"resumed after step {counters.step:,}" if found else "no state to resume from")
        pace = Pace(done=counters.step, seconds=counters.seconds)
        model.train()
        with asked_to_stop() as stop:
            while counters.step < config.steps and not stop:
                step = counters.step
                rate = learning_rate(
                    step, peak=config.learning_rate, warmup=config.warmup, steps=config.steps
                )
                for group in optimizer.param_groups:
                    group["lr"] = rate
                loss = objective(model, batches.draw(step).to(target))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip_gradient)
                value = loss.item()
                if not math.isfinite(value + norm.item()):
                    raise TrainingError(
                        f"the loss is {value} and its gradient {norm.item()} at step {step}, "
                        f"learning rate {rate:.3g}",
                        hint="start a new run with a smaller --learning-rate",
                    )
                optimizer.step()
                average.update(model, step)

                counters.step += 1
                counters.loss_sum += value
                counters.seconds = pace.seconds()
                last = counters.step == config.steps
                if counters.step % config.log_every == 0 or last:
                    since = counters.step % config.log_every or config.log_every
                    log.loss(
                        step=counters.step,
                        loss=counters.loss_sum / since,
                        learning_rate=rate,
                        pace=pace.words(counters.step, config.steps),
                    )
                    counters.loss_sum = 0.0
                if counters.step % config.validate_every == 0 or last:
                    scores = _validate(average.model, validation, counters.step, log)
                    save(trained, average.model, _card(config, counters, scores))
                over = pace.session() > max_seconds
                if counters.step % config.save_every == 0 or last or stop or over:
                    save_state(states, counters, model, average, optimizer)
                if over:
                    break
            if counters.step < config.steps:
                log.say(f"stopped after step {counters.step:,}; go on with --resume")
                return Outcome(
                    step=counters.step, checkpoint=None, signal=stop[0] if stop else None
                )
        log.say(f"wrote {trained}")
    except OSError as error:
        where = error.filename or folder
        raise TrainingError(f"{where}: cannot be written ({error.strerror or error})") from None
    return Outcome(step=counters.step, checkpoint=trained, signal=None)


def _check_folder(folder: Path, config: TrainingConfig, *, resume: bool) -> None:
    """Refuse a folder that holds another run, or this one unless it is to be resumed."""
    path = folder / "config.json"
    if not path.exists():
        return
    if not resume:
        raise ConfigError(
            f"{folder}: holds a run already", hint="go on with --resume or give another --name"
        )
    try:
        theirs = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from None
    for key, value in config.model_dump().items():
        if value != theirs.get(key):
            raise ConfigError(
                f"{folder}: cannot resume with {key} {value!r}, the run has {theirs.get(key)!r}"
            )


def _check_model(model: Model, config: TrainingConfig) -> None:
    """Refuse what could be built but not trained on RGB patches."""
    if model.image_channels != 3:
        raise ConfigError(
            f"image_channels must be 3 to train on RGB images, got {model.image_channels}"
        )
    if model.scale == 1 and config.patch_size % model.size_multiple:
        raise ConfigError(
            f"patch_size must be a multiple of {model.size_multiple} for {config.model}, "
            f"got {config.patch_size}"
        )


def _claim(folder: Path, config: TrainingConfig) -> None:
    """Make the folder this run's by writing its configuration there."""
    text = json.dumps(config.model_dump(), indent=2) + "\n"
    (folder / "models").mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "config.json", lambda file: file.write(text.encode()))


def _tell_every(images: int, say: Say) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done % images == 0 and total > images:
            say(f"read {done} of {total} images")

    return progress


def _validate(
    model: Model, validation: dict[str, list[Pair]], step: int, log: RunLog
) -> list[dict[str, Any]]:
    """Score the averaged weights on every validation set."""
    # An autoencoder gives back what it was given, colours included: luma alone would flatter it.
    protocol = "sr-rgb" if model.scale == 1 else "sr-y"
    scores = []
    for name, pairs in validation.items():
        result = score(model, pairs, protocol)
        log.score(step=step, set_name=name, protocol=protocol, psnr=result.psnr, ssim=result.ssim)
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
