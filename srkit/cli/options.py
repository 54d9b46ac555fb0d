"""The arguments and options that several commands have in common."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Inputs: TypeAlias = Annotated[
    list[Path], typer.Argument(metavar="INPUT", help="Images, and folders of images.")
]
Recursive: TypeAlias = Annotated[bool, typer.Option(help="Look into the folders of folders.")]
Device: TypeAlias = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, xpu or mps.")]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
