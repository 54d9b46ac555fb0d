"""Configuration files: reading one, and writing one that explains itself."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from srkit.errors import ConfigError
from srkit.images.naming import display_name
from srkit.training.config import TrainingConfig
from srkit.training.config_keys import section_of
from srkit.training.yaml_text import flow, read_yaml

LARGEST = 1_000_000  # bytes


def read_config(path: Path) -> dict[str, Any]:
    """Read the values of a YAML file; what they mean is not looked at.

    Raises: ConfigError naming the file, the line where there is one, and what is wrong.
    """
    name = display_name(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise ConfigError(f"{name}: more than {LARGEST:,} bytes, no configuration is")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}, line {line}: not UTF-8 text") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{name}: {reason.lower()}") from None
    values = read_yaml(text, name)
    if values is None:
        raise ConfigError(f"{name}: empty", hint="name: my-run is how it could begin")
    if not isinstance(values, dict):
        kind = "a list" if isinstance(values, list) else f"only {values!r:.40}"
        raise ConfigError(f"{name}: holds {kind}, not keys with values")
    return values


def write_config(config: TrainingConfig) -> str:
    """Write every key, also those that were never given, each under what it means."""
    return "".join(f"{line}\n" for line in _section(config, ""))


def _section(section: BaseModel, indent: str) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        meaning = field.description or _meaning(field.annotation)
        if meaning:
            yield f"{indent}# {' '.join(meaning.split())}"
        yield from _entry(name, getattr(section, name), indent)
    for name, value in (section.__pydantic_extra__ or {}).items():
        yield from _entry(name, value, indent)


def _entry(name: str, value: Any, indent: str) -> Iterator[str]:
    key = f"{indent}{flow(name)}:"
    if isinstance(value, BaseModel):
        yield key
        yield from _section(value, indent + "  ")
    elif isinstance(value, Mapping) and value:
        yield key
        for inner, held in value.items():
            yield from _entry(inner, held, indent + "  ")
    elif isinstance(value, list) and value and all(isinstance(one, BaseModel) for one in value):
        yield key
        for one in value:
            yield from _listed(list(_section(one, indent + "    ")), indent + "  ")
    else:
        yield f"{key} {flow(list(value) if isinstance(value, tuple) else value)}"


def _listed(lines: list[str], indent: str) -> Iterator[str]:
    """Put the dash of a list's entry before its first key, comments above that."""
    while lines[0].lstrip().startswith("#"):
        yield indent + lines.pop(0).lstrip()
    yield f"{indent}- {lines.pop(0).lstrip()}"
    yield from lines


def _meaning(annotation: Any) -> str | None:
    """Give what a section's docstring says after its name."""
    section = section_of(annotation)
    if section is None:
        return None
    _, colon, meaning = (section.__doc__ or "").partition("`: ")
    return meaning[:1].upper() + meaning[1:] if colon else None
