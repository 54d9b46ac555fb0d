"""`srkit train`: train a model on a folder of HR images, or on DIV2K."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from srkit.errors import ConfigError
from srkit.training import defaults


def train(
    dataset: Annotated[
        str,
        typer.Option(
            help="A folder of HR images (searched recursively, held in memory), or DIV2K."
        ),
    ],
    model: Annotated[
        str, typer.Option("-n", "--model", help="A model to train: see `srkit models`.")
    ] = "lapwave-m",
    scale: Annotated[
        int | None, typer.Option("-s", "--scale", help="Enlargement: 2, 3, 4 or 8.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 100_000,
    name: Annotated[
        str | None, typer.Option(help="Name of the run and its checkpoint [default: model-xN].")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder that holds the runs' folders.")
    ] = Path("experiments"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last saved state.")
    ] = False,
    validation: Annotated[
        list[str] | None,
        typer.Option(help="Folder of HR images, or Set5, Set14, ...; may be repeated."),
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(envvar="SRKIT_DATA", help="Folder that data sets are found in or put in."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Patches a step.")] = defaults.BATCH_SIZE,
    patch_size: Annotated[
        int, typer.Option(help="Side of a patch, in LR pixels.")
    ] = defaults.PATCH_SIZE,
    learning_rate: Annotated[
        float, typer.Option(help="Peak learning rate.")
    ] = defaults.LEARNING_RATE,
    warmup: Annotated[
        int, typer.Option(help="Steps of linear warm-up before the cosine.")
    ] = defaults.WARMUP,
    weight_decay: Annotated[
        float, typer.Option(help="AdamW's weight decay.")
    ] = defaults.WEIGHT_DECAY,
    clip_gradient: Annotated[
        float, typer.Option(help="Largest norm of the gradient.")
    ] = defaults.CLIP_GRADIENT,
    ema: Annotated[float, typer.Option(help="Decay of the averaged weights.")] = defaults.EMA,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.")] = defaults.SEED,
    pretrained: Annotated[
        str | None, typer.Option(help="Checkpoint to start from, also of another scale.")
    ] = None,
    log_every: Annotated[
        int, typer.Option(help="Steps between lines of the log.")
    ] = defaults.LOG_EVERY,
    validate_every: Annotated[
        int, typer.Option(help="Steps between validations.")
    ] = defaults.VALIDATE_EVERY,
    save_every: Annotated[
        int, typer.Option(help="Steps between saved states.")
    ] = defaults.SAVE_EVERY,
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Stop after this long (90s, 45m, 2h), resumably."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, xpu or mps.")] = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the model, as key=value; may be repeated."),
    ] = None,
) -> None:
    """Train a model on a folder of HR images; LR images are made by MATLAB's bicubic."""
    from srkit.layers.registry import lookup
    from srkit.models import MODELS, PRESETS
    from srkit.training.config import TrainingConfig
    from srkit.training.loop import train as run
    from srkit.training.pace import parse_duration

    changed = dict(_setting(word) for word in settings or [])
    if scale is not None:
        changed["scale"] = scale
    if name is None:
        kind, preset = lookup(PRESETS, "model", model)
        standard = getattr(MODELS[kind][0](), "scale", None)
        factor = changed.get("scale", preset.get("scale", standard))
        name = model if factor is None else f"{model}-x{factor}"
    config = TrainingConfig.parse(
        {
            "name": name,
            "model": model,
            "model_settings": changed,
            "dataset": dataset,
            "validation": validation or [],
            "steps": steps,
            "batch_size": batch_size,
            "patch_size": patch_size,
            "learning_rate": learning_rate,
            "warmup": warmup,
            "weight_decay": weight_decay,
            "clip_gradient": clip_gradient,
            "ema": ema,
            "seed": seed,
            "pretrained": pretrained,
            "log_every": log_every,
            "validate_every": validate_every,
            "save_every": save_every,
        }
    )
    outcome = run(
        config,
        output / name,
        data_root=data_root,
        device=device,
        max_seconds=math.inf if max_time is None else parse_duration(max_time),
        resume=resume,
        say=lambda line: typer.echo(line, err=True),
    )
    if outcome.signal is not None:
        # The exit code a shell expects of a process that ended because of a signal.
        raise typer.Exit(128 + outcome.signal)
    if outcome.checkpoint is not None:
        typer.echo(outcome.checkpoint)


def _setting(word: str) -> tuple[str, Any]:
    key, equals, text = word.partition("=")
    if not key or not equals:
        raise ConfigError(f"--set {word}: expected key=value")
    for kind in (int, float):
        try:
            return key, kind(text)
        except ValueError:
            continue
    return key, {"true": True, "false": False}.get(text.lower(), text)
