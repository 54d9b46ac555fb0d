"""Every key a configuration can have, in dotted form; entries of lists without their number."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from difflib import get_close_matches
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from srkit.training.config import TrainingConfig

# What only the option files of BasicSR and its children have.
FOREIGN = (
    "model_type",
    "num_gpu",
    "dist_params",
    "network_d",
    "io_backend",
    "pixel_opt",
    "gan_opt",
    "perceptual_opt",
    "lq_size",
    "meta_info",
    "dataset_enlarge_ratio",
    "param_key_g",
    "strict_load_g",
    "metrics",
)
IMPORT = "`srkit import-config FILE` translates option files of BasicSR and its children"


def section_of(annotation: Any) -> type[BaseModel] | None:
    """Give the section a field holds, by itself, in a list or perhaps."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := section_of(part))), None)


@cache
def known_keys() -> tuple[str, ...]:
    """List all keys, outer sections first; those of models too."""
    from srkit.models import CLASSIFIERS, MODELS  # loads torch

    keys = list(_keys_of(TrainingConfig, ""))
    keys.append("datasets.train.degradation.type")
    configs = [config_class for config_class, _ in (*MODELS.values(), *CLASSIFIERS.values())]
    keys += dict.fromkeys(f"network_g.{field.name}" for one in configs for field in fields(one))
    return tuple(sorted(keys, key=lambda key: key.count(".")))


def suggest(section: Sequence[str], name: str) -> str | None:
    """Say in a few words what may be meant by a key that is not in this section.

    The same name elsewhere comes first, then the nearest in the section, then the nearest anywhere.

    >>> suggest((), "total_iter")
    'it belongs to train: train.total_iter'
    >>> suggest(("train",), "total_itr")
    "did you mean 'total_iter'?"
    """
    place = ".".join(section)
    elsewhere = [key for key in known_keys() if key.rpartition(".")[2] == name]
    if elsewhere:
        # Of several, one further down the same branch.
        key = next((key for key in elsewhere if key.startswith(f"{place}.")), elsewhere[0])
        parent = key.rpartition(".")[0]
        return f"it belongs to {parent}: {key}" if parent else f"it belongs to the top level: {key}"
    inside = [key.rpartition(".")[2] for key in known_keys() if key.rpartition(".")[0] == place]
    if near := get_close_matches(name, inside, n=1):
        return f"did you mean {near[0]!r}?"
    names = {key.rpartition(".")[2]: key for key in reversed(known_keys())}
    if near := get_close_matches(name, names, n=1, cutoff=0.75):
        return f"did you mean {names[near[0]]!r}?"
    return f"known there: {', '.join(inside)}" if inside else None


def _keys_of(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        yield prefix + name
        inner = section_of(field.annotation)
        if inner is not None:
            yield from _keys_of(inner, f"{prefix}{name}.")
