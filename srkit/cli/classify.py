"""`srkit classify`: tell the classes of images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srkit.cli.options import AsJson, Device, Inputs, Recursive
from srkit.errors import ConfigError

if TYPE_CHECKING:
    from srkit.inference.labelling import Report


def classify(
    inputs: Inputs,
    model: Annotated[
        Path,
        typer.Option("-n", "--model", help="A classifier's checkpoint, of `srkit train`."),
    ],
    top_k: Annotated[
        int | None,
        typer.Option(min=1, help="Classes shown of an image that has one [default: 1]."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Probability from which on one of several is given [default: 0.5]."
        ),
    ] = None,
    recursive: Recursive = True,
    device: Device = "auto",
    max_pixels: Annotated[
        int | None, typer.Option(min=1, help="Largest image read [default: 64 million].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell the classes of images, with their probabilities.

    Exits with 1 when some images were refused.
    """
    import json

    from rich.console import Console
    from rich.progress import Progress

    from srkit.checkpoint import load_classifier
    from srkit.images import DEFAULT_MAX_PIXELS, count_kinds
    from srkit.inference.device import choose_device
    from srkit.inference.jobs import find_images, find_others
    from srkit.inference.labelling import classify_all

    classifier = load_classifier(model, choose_device(device)).module
    if threshold is not None and not classifier.multi_label:
        raise ConfigError(
            "--threshold is for classifiers of several labels, this one gives one",
            hint="--top-k shows more classes",
        )
    if top_k is not None and classifier.multi_label:
        raise ConfigError(
            "--top-k is for classifiers of one label, this one gives several", hint="--threshold"
        )
    # An image named twice is one image; by its folder and by itself, say.
    paths = list(dict.fromkeys(path for path, _ in find_images(inputs, recursive)))
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("classifying", total=len(paths))
        report = classify_all(
            classifier,
            paths,
            threshold=0.5 if threshold is None else threshold,
            top=1 if top_k is None else top_k,
            max_pixels=DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels,
            progress=lambda done, total: bars.update(task, completed=done),
        )
    for failure in report.refused:
        typer.echo(f"srkit: {failure.reason}", err=True)
    if others := find_others(inputs, recursive):
        typer.echo(f"srkit: left alone: {count_kinds(others)}", err=True)
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        _print_table(report)
    if report.refused:
        raise typer.Exit(1)


def _print_table(report: "Report") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from srkit.images.naming import display_name, one_line

    table = Table("image", "class")
    table.add_column("probability", justify="right")
    for one in report.classified:
        name = Text(display_name(one.image))  # not a str, whose square brackets would be markup
        for label in one.labels:
            table.add_row(name, Text(one_line(label.name)), f"{label.probability:.4f}")
        if not one.labels:
            table.add_row(name, "-", "-")
    console = Console()
    if not console.is_terminal:
        # In files and pipes: no drawing, and no name cut to the width of a screen.
        console = Console(width=1000)
        table.box, table.pad_edge = None, False
    if report.classified:
        console.print(table)
