"""The `srkit` command: collects the commands and turns srkit's errors into one line each."""

import os
import sys
import traceback
import warnings
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from srkit import __version__
from srkit.cli.classify import classify
from srkit.cli.demo import demo
from srkit.cli.eval import evaluate
from srkit.cli.import_config import import_config
from srkit.cli.misuse import explain
from srkit.cli.models import models
from srkit.cli.processes import speaks
from srkit.cli.train import train
from srkit.cli.upscale import upscale
from srkit.errors import ImageError, LostProcessError, SrkitError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={
        "help_option_names": ["-h", "--help"],
        # The field's tools spell options with underscores as often as with hyphens.
        "token_normalize_func": lambda token: token.replace("_", "-"),
    },
)
app.command("upscale")(upscale)
app.command("eval")(evaluate)
app.command("train")(train)
app.command("import-config")(import_config)
app.command("classify")(classify)
app.command("models")(models)
app.command("demo")(demo)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"srkit {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Enlarge and classify images, and train and measure the models that do it."""


def run() -> NoReturn:
    """Run the command line: exit 0 when done, 1 when files were refused, 2 on misuse.

    70 is for what should not have happened; Python's warnings and tracebacks are for --debug.
    """
    debug = "--debug" in sys.argv
    if not debug and not sys.warnoptions:
        warnings.simplefilter("ignore")
    try:
        words = sys.argv[1:] or ["--help"]
        sys.exit(app(words, prog_name="srkit", standalone_mode=False) or 0)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has closed it; nothing is left to say to them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if debug:
            traceback.print_exc()
        if _follows_interrupt(error) and not isinstance(error, SrkitError):
            sys.exit(130)
        fail(error)


def _follows_interrupt(error: BaseException | None) -> bool:
    """Tell whether somebody, an import for instance, made this error of Ctrl-C."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def fail(error: Exception) -> NoReturn:
    """Say in one line what is wrong, in another what would work, and exit."""
    from srkit.images.naming import one_line

    code = 2
    if isinstance(error, TyperException):
        message, hint = explain(error)
    elif isinstance(error, SrkitError):
        message, hint = str(error), error.hint
        code = 1 if isinstance(error, ImageError) else 2
    else:
        reason = str(error).strip().partition("\n")[0]
        message = f"unexpected {type(error).__name__}: {reason}"
        hint = "a mistake of srkit's: `srkit --debug ...` shows where"
        code = 70
    if not speaks(message, lost=isinstance(error, LostProcessError)):
        sys.exit(code)
    first, *listed = message.split("\n  ")  # what several files have wrong with them
    typer.echo(f"srkit: {one_line(first)}", err=True)
    for line in listed:
        typer.echo(f"  {one_line(line)}", err=True)
    if hint:
        typer.echo(f"hint: {one_line(hint)}", err=True)
    sys.exit(code)
