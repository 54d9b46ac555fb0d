"""`--set KEY=VALUE`: change one value of a configuration by its dotted key."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from srkit.errors import ConfigError
from srkit.training.yaml_text import read_yaml


def apply(values: dict[str, Any], words: Sequence[str], *, option: str = "--set") -> dict[str, Any]:
    """Give the values with every word `a.b=c` carried out, in order; c is YAML.

    Sections that are not there are made. A number is a place in a list, the number after the last
    adds an entry, and a single value stands for a list of it.

    Raises: ConfigError for a word of another form or a place that is not there.

    >>> apply({"a": {"b": 1}}, ["a.b=2e-4", "c.0.d=[x, null]"])
    {'a': {'b': 0.0002}, 'c': [{'d': ['x', None]}]}
    """
    changed = deepcopy(values)
    for word in words:
        key, text = split(word, option=option)
        put(changed, key, read_yaml(text, f"{option} {key}"), shown=f"{option} {key}")
    return changed


def split(word: str, *, option: str = "--set") -> tuple[str, str]:
    """Take a word apart into its key and the text of its value.

    Raises: ConfigError when it has no `=`, or a key with an empty part.
    """
    key, equals, text = word.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise ConfigError(
            f"{option} {word}: expected KEY=VALUE", hint=f"{option} train.optim_g.lr=1e-3"
        )
    return key, text


def put(values: dict[str, Any], key: str, value: Any, *, shown: str) -> None:
    """Put a value in its place, in place; `shown` is what errors call it.

    Raises: ConfigError for a place that is not there.
    """
    path = key.split(".")
    place: Any = values
    done: list[str] = []
    for part, following in zip(path, [*path[1:], None], strict=True):
        where = ".".join(done)
        if isinstance(place, list):
            if not part.isascii() or not part.isdigit() or int(part) > len(place):
                raise ConfigError(
                    f"{shown}: {where} is a list of {len(place)}, {part!r} is no place in it",
                    hint=f"places count from 0; {where}.{len(place)} adds an entry",
                )
            if int(part) == len(place):
                place.append(None)
            at: Any = int(part)
        elif isinstance(place, dict):
            at = part
        else:
            raise ConfigError(f"{shown}: {where} is {place!r:.60} and has no keys of its own")
        if following is None:
            place[at] = value
            return
        inner = place[at] if isinstance(place, list) else place.get(at)
        if following.isdigit() and not isinstance(inner, list):
            inner = [] if inner is None else [inner]
        elif inner is None:
            inner = {}
        place[at] = inner
        place = inner
        done.append(part)
