"""`srkit train`: train a network on images, as options or a configuration file say."""

import math
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from srkit.cli.options import Device
from srkit.cli.processes import is_main_process
from srkit.cli.train_command import changes_anything, command_line
from srkit.cli.train_memory import memory_named
from srkit.errors import ConfigError
from srkit.training import defaults


def _print_schema(asked: bool) -> None:
    if asked:
        from srkit.training.config_schema import json_schema

        typer.echo(json_schema(), nl=False)
        raise typer.Exit


def train(
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML file of a run; other options override it."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A key of the configuration, such as train.optim_g.lr=1e-3; may be repeated, "
            "overrides all else.",
        ),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help="DIV2K, or a folder of HR images (with its folders), or for --task classify of "
            "labelled images; may be repeated."
        ),
    ] = None,
    task: Annotated[
        Literal["sr", "classify"] | None,
        typer.Option(
            help="Enlarge images, or tell their classes [default: what the model is for]."
        ),
    ] = None,
    lr_folder: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder of LR images, one for each --dataset [default: made by MATLAB's bicubic]."
        ),
    ] = None,
    lr_track: Annotated[
        str | None,
        typer.Option(help="DIV2K's own LR images: bicubic, unknown, x8, mild, difficult or wild."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "-n",
            "--model",
            help="A model to train: see `srkit models` [default: lapwave-m, or wrn-b4-eca].",
        ),
    ] = None,
    scale: Annotated[
        int | None,
        typer.Option("-s", "--scale", help="Enlargement: 2, 3, 4 or 8 [default: the model's]."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the run and its checkpoint [default: model-xN].")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help=f"Optimiser steps [default: {defaults.STEPS}].")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(help=f"Patches a process takes at once [default: {defaults.BATCH_SIZE}]."),
    ] = None,
    patch_size: Annotated[
        int | None,
        typer.Option(help=f"Side of a patch, in LR pixels [default: {defaults.PATCH_SIZE}]."),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help=f"Highest learning rate [default: {defaults.LEARNING_RATE}]."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help=f"Seed of weights and batches [default: {defaults.SEED}].")
    ] = None,
    pretrained: Annotated[
        str | None, typer.Option(help="Checkpoint to start from, also of another scale.")
    ] = None,
    validation: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder of images like those of --dataset, or Set5, Set14, ...; may be repeated "
            "[default: Set5 for DIV2K, where it is found]."
        ),
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(help="Arithmetic of the forward pass [default: float32]."),
    ] = None,
    compile: Annotated[
        bool | None, typer.Option("--compile/--no-compile", help="Use torch.compile.")
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Batches whose gradients make one step [default: 1].")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that prepare batches ahead [default: 0, in the training process]."
        ),
    ] = None,
    tensorboard: Annotated[
        bool | None,
        typer.Option("--tensorboard/--no-tensorboard", help="Write TensorBoard's files as well."),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Stop after this long (90s, 45m, 2h), resumably."),
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(envvar="SRKIT_DATA", help="Folder that data sets are found in or put in."),
    ] = None,
    device: Device = "auto",
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder that holds the runs' folders.")
    ] = Path("experiments"),
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the run's last saved state; --name alone says which."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only take a few steps and print what all would take."),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a table (with --dry-run).")
    ] = False,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            callback=_print_schema,
            is_eager=True,
            help="Print the JSON Schema of configuration files and exit.",
        ),
    ] = False,
) -> None:
    """Train a model on HR images, or a classifier on labelled ones.

    `srkit train --dataset DIV2K` is a whole run, and so is `srkit train --task classify --dataset
    FOLDER`, in which each folder is a class, or a labels.csv names the classes. Every key of a
    configuration, its default and its meaning are in the config.yml of a run's folder.
    """
    from srkit.cli.train_estimate import print_estimate
    from srkit.cli.train_settings import Request, configure, origins_named
    from srkit.training.pace import parse_duration

    if as_json and not dry_run:
        raise ConfigError("--json prints what --dry-run finds", hint="--dry-run --json")
    max_seconds = math.inf if max_time is None else parse_duration(max_time)
    request = Request(
        options={
            "--data-root": None if data_root is None else str(data_root),
            "--dataset": dataset or None,
            "--lr-folder": lr_folder or None,
            "--lr-track": lr_track,
            "--model": model,
            "--scale": scale,
            "--name": name,
            "--steps": steps,
            "--batch-size": batch_size,
            "--patch-size": patch_size,
            "--learning-rate": learning_rate,
            "--seed": seed,
            "--pretrained": pretrained,
            "--validation": validation or None,
            "--precision": precision,
            "--compile": compile,
            "--accumulate": accumulate,
            "--workers": workers,
            "--tensorboard": tensorboard,
        },
        settings=settings or [],
        config=config,
        output=output,
        resume=resume,
        task=task,
    )
    chosen = configure(request)
    if dry_run:
        with memory_named(chosen), origins_named(request):
            print_estimate(chosen, device, as_json=as_json)
        return
    from srkit.training.loop import train as run
    from srkit.training.progress import Progress

    words = sys.argv[1:]
    with closing(Progress()) as progress, memory_named(chosen), origins_named(request):
        outcome = run(
            chosen,
            output / chosen.name,
            device=device,
            max_seconds=max_seconds,
            resume=resume,
            # A run that goes on by its name alone does what its first command said.
            command=command_line(words, resumes=resume and config is None)
            if changes_anything(words) or not resume
            else "",
            watch=progress,
        )
    if outcome.signal is not None:
        # The exit code a shell expects of a process that ended because of a signal.
        raise typer.Exit(128 + outcome.signal)
    if outcome.checkpoint is not None and is_main_process():
        typer.echo(outcome.checkpoint)
