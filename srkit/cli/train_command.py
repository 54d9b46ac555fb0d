"""The command that makes a run again, as its folder keeps it."""

import os
import shlex
from collections.abc import Sequence

WHICH = ("--name", "--output", "-o", "--device")
"""Options that say which run it is and where, not what it does."""
SESSION = ("--resume", "--debug")
"""Options of one session, without a value."""


def command_line(words: Sequence[str], *, resumes: bool = False) -> str:
    """Give the command that makes this run again: without what only concerns a session of it.

    With `resumes` it is one that only goes on with a run. A run of several processes is started by
    torchrun, whatever started it this time.

    >>> command_line(["train", "--dataset", "my images", "--resume", "--max-time", "2h"])
    "srkit train --dataset 'my images'"
    """
    resume = ["--resume"] if resumes else []
    return shlex.join([*_launcher(), *_of_every_session(words), *resume])


def changes_anything(words: Sequence[str]) -> bool:
    """Tell whether a command says more than which run it is and how long to go on.

    >>> changes_anything(["train", "--resume", "--name", "mine", "--max-time=2h"])
    False
    >>> changes_anything(["train", "--resume", "--name", "mine", "--workers", "2"])
    True
    """
    return bool(_without(_of_every_session(words)[1:], WHICH))


def _of_every_session(words: Sequence[str]) -> list[str]:
    return [word for word in _without(words, ("--max-time",)) if word not in SESSION]


def _without(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """Leave out options that have a value, and the values."""
    kept = []
    rest = iter(words)
    for word in rest:
        name, given, _ = word.partition("=")
        option = name.replace("_", "-")
        if option in options:
            if not given:
                next(rest, None)
        elif not (word.startswith("-o") and "-o" in options):  # -oFOLDER
            kept.append(word)
    return kept


def _launcher() -> list[str]:
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        return ["srkit"]
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(processes)))
    machines = ["--nnodes", str(processes // here)] if processes > here else []
    return ["torchrun", *machines, "--nproc-per-node", str(here), "-m", "srkit"]
