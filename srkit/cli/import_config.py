"""`srkit import-config`: turn an option file of BasicSR or its children into one of srkit's."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from srkit.errors import ConfigError


def import_config(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="YAML option file of a training run.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Where to [default: stdout]."),
    ] = None,
    existing: Annotated[
        Literal["error", "overwrite"], typer.Option(help="What to do when OUTPUT exists already.")
    ] = "error",
) -> None:
    """Translate an option file of BasicSR, Real-ESRGAN or traiNNer-redux.

    What has no place in srkit is listed on stderr and at the top of the result, with the reason.
    """
    from srkit.files import write_atomically
    from srkit.images.naming import display_name, one_line
    from srkit.training.config_file import read_config, write_config

    if output is not None and output.exists() and existing == "error":
        raise ConfigError(
            f"--output {display_name(output)}: exists already", hint="--existing overwrite"
        )
    values = read_config(file)
    from srkit.training.basicsr import translate  # it knows the models, and they load torch

    translation = translate(values, source=display_name(file))
    notes = [
        one_line(f"{what}: {key} ({reason})")
        for what, reasons in (
            ("to be replaced before training", translation.unfit),
            ("not carried over", translation.dropped),
        )
        for key, reason in reasons.items()
    ]
    head = [f"translated from {display_name(file.name)} by srkit import-config", *notes]
    text = "".join(f"# {line}\n" for line in head) + "\n" + write_config(translation.config)
    if output is None:
        typer.echo(text, nl=False)
    else:
        try:
            write_atomically(output, lambda written: written.write(text.encode()))
        except OSError as error:
            raise ConfigError(
                f"--output {display_name(output)}: cannot be written: {error.strerror}"
            ) from None
    for line in notes:
        typer.echo(f"srkit: {line}", err=True)
