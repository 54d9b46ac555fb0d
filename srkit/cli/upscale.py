"""`srkit upscale`: enlarge images."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from srkit.cli.options import Device, Inputs, Recursive
from srkit.errors import ConfigError

SMALLEST_TILE = 16


def upscale(
    inputs: Inputs,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Folder for the results, or a file for one image.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            "-n", "--model", help="A family or name from `srkit models`, a file, or bicubic."
        ),
    ] = "lapwave-m",
    scale: Annotated[
        float | None,
        typer.Option(
            "-s", "--scale", help="Enlargement, above 1 and up to 16 [default: the model's, or 4]."
        ),
    ] = None,
    width: Annotated[
        int | None, typer.Option(help="Width of the results, in place of a scale.")
    ] = None,
    height: Annotated[
        int | None, typer.Option(help="Height of the results; with --width, what fits in both.")
    ] = None,
    format: Annotated[
        Literal["auto", "png", "jpg", "webp", "tif"],
        typer.Option("-f", "--format", help="Format of the results; auto = that of the image."),
    ] = "auto",
    existing: Annotated[
        Literal["error", "skip", "overwrite", "rename"],
        typer.Option(help="What to do when a result exists already; error = before any work."),
    ] = "error",
    recursive: Recursive = True,
    alpha: Annotated[
        Literal["model", "bicubic", "drop"], typer.Option(help="How transparency is enlarged.")
    ] = "bicubic",
    quality: Annotated[
        int | None,
        typer.Option(min=1, max=100, help="Quality of JPEG and WebP files [default: 95]."),
    ] = None,
    lossless: Annotated[bool, typer.Option("--lossless", help="Lossless WebP files.")] = False,
    metadata: Annotated[
        Literal["private", "keep", "strip"],
        typer.Option(
            help="Date, camera and resolution; everything, place and texts included; nothing. "
            "Colour profiles always stay."
        ),
    ] = "private",
    tile: Annotated[
        str,
        typer.Option(
            "-t", "--tile", metavar="auto|N|0", help="Side of the tiles in pixels; 0 = none."
        ),
    ] = "auto",
    tile_overlap: Annotated[
        str,
        typer.Option(
            metavar="auto|N", help="Pixels a tile sees around itself; auto = what makes it exact."
        ),
    ] = "auto",
    device: Device = "auto",
    precision: Annotated[
        Literal["auto", "float32", "float16", "bfloat16"],
        typer.Option(help="Arithmetic of the model; auto = float32."),
    ] = "auto",
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=1, help="Largest image read; results may have 16 times that [default: 64 million]."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would become what.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what became of every image as JSON.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print failures only.")] = False,
) -> None:
    """Enlarge images and folders of images.

    A folder's tree is kept. Results keep the names of their images; in the image's own folder
    they are called photo_4x_lapwave-m.png. Exits with 1 when some images were refused.
    """
    import json

    from srkit.cli.upscale_progress import Reporter
    from srkit.images import DEFAULT_MAX_PIXELS
    from srkit.images.naming import display_name
    from srkit.inference.batch import upscale_all  # torch loads only when there is work
    from srkit.inference.tile_runner import Tiling

    tiling = Tiling(
        tile=_pixels("--tile", tile, smallest=SMALLEST_TILE),
        halo=_pixels("--tile-overlap", tile_overlap),
        precision=precision,
    )
    with Reporter(quiet=quiet, skips=existing in ("error", "skip")) as reporter:
        report = upscale_all(
            inputs,
            Path(output),
            model=model,
            scale=scale,
            width=width,
            height=height,
            into_folder=output.endswith(("/", os.sep)),  # which Path would drop
            recursive=recursive,
            format=format,
            existing=existing,
            alpha=alpha,
            tiling=tiling,
            device=device,
            quality=quality,
            lossless=lossless,
            metadata=metadata,
            max_pixels=DEFAULT_MAX_PIXELS if max_pixels is None else max_pixels,
            dry_run=dry_run,
            watcher=reporter,
        )
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    elif dry_run:
        for job in report.planned:
            typer.echo(f"{display_name(job.source)} -> {display_name(job.target)}")
    if not dry_run:
        reporter.summarise(report)
    if report.refused:
        raise typer.Exit(1)


def _pixels(option: str, text: str, smallest: int = 0) -> int | None:
    """Read `auto` as None and the rest as a number, 0 or at least `smallest`."""
    if text == "auto":
        return None
    if text.isascii() and text.isdigit() and (int(text) == 0 or int(text) >= smallest):
        return int(text)
    choices = f"auto, 0 or at least {smallest}" if smallest else "auto or a number of pixels"
    raise ConfigError(f"{option} must be {choices}, got {text!r}")
