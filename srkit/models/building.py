"""Build a network from its registered name and the settings a person, or a checkpoint, gives."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from srkit.errors import ConfigError
from srkit.layers.registry import lookup
from srkit.models.network import Network

Built = TypeVar("Built", bound=Network)


def build(
    family: Mapping[str, tuple[type[Any], type[Built]]],
    kind: str,
    name: str,
    settings: Mapping[str, Any],
) -> Built:
    """Build the network called `name`; settings that are not given keep their defaults.

    Raises: ConfigError for an unknown name, an unknown field or a value of the wrong type.
    """
    config_class, network_class = lookup(family, kind, name)
    known = {field.name: field.type for field in fields(config_class)}
    checked = {}
    for key, value in settings.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ConfigError(
                f"{name} has no setting {key!r}: choose one of {', '.join(known)}",
                hint=f"did you mean {near[0]!r}?" if near else None,
            )
        checked[key] = _checked(f"{name}: {key}", value, known[key])
    return network_class(config_class(**checked))


def _checked(shown: str, value: Any, expected: Any) -> Any:
    """Give the value, as a tuple where it is a list of names."""
    if get_origin(expected) is tuple:
        if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            return tuple(value)
        raise ConfigError(f"{shown} must be a list of names, got {value!r}")
    kinds = get_args(expected) if get_origin(expected) else (expected,)
    if float in kinds:
        kinds = (*kinds, int)
    # bool is an int to Python, never to a reader.
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = getattr(expected, "__name__", str(expected))
        raise ConfigError(f"{shown} must be of type {wanted}, got {value!r}")
    return value
