"""What typer refuses, said as srkit says it: the option, what is wrong, and what would work."""

import sys
from typing import Any, cast

from typer.exceptions import TyperException


def explain(error: TyperException) -> tuple[str, str | None]:
    """Give a message of one line and a hint."""
    misuse = cast("Any", error)  # typer does not publish the classes that have these
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    command = misuse.ctx.command_path if misuse.ctx else " ".join(["srkit", *words[:1]])
    hint = f"{command} --help"
    if near := getattr(misuse, "possibilities", None):
        return misuse.message, f"did you mean {near[0]}?"
    problems = getattr(error.__cause__, "errors", None)
    if problems is None:
        return misuse.format_message().rstrip("."), hint
    from srkit.training.config_check import reason  # pydantic's words are not for people

    return f"{_name(misuse.param)}: {reason(problems()[0])}", hint


def _name(param: Any) -> str:
    """Give an option's long spelling, or what an argument is called in the help text."""
    if param.param_type_name == "argument":
        return str(param.make_metavar(ctx=None)).strip("[].")
    return max(param.opts, key=len)
