"""Look a name up in a family of layers; a miss names the choices and the nearest of them."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from srkit.errors import ConfigError

Entry = TypeVar("Entry")


def lookup(family: Mapping[str, Entry], kind: str, name: str, *, key: str = "") -> Entry:
    """Give the entry called `name`; `key` is where a run's configuration asks for it, if it does.

    Raises: ConfigError naming every choice, when there is no such entry.

    >>> lookup({"se": 1, "eca": 2}, "attention", "eca")
    2
    """
    if name in family:
        return family[name]
    near = get_close_matches(name, family, n=1)
    raise ConfigError(
        f"{key and f'{key}: '}unknown {kind} {name!r}: choose one of {', '.join(family)}",
        hint=f"did you mean {near[0]!r}?" if near else None,
    )
