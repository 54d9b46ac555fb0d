"""Check the values of a configuration file; what is wrong with them is said in one line."""

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from srkit.errors import ConfigError
from srkit.images.naming import one_line
from srkit.training.config import MismatchError, TrainingConfig
from srkit.training.config_keys import FOREIGN, IMPORT, known_keys, suggest
from srkit.training.yaml_text import flow

# A key that must be there, and what could be written for it.
EXAMPLES = {
    "name": "name: my-run",
    "datasets": "datasets.train.dataroot_gt: DIV2K",
    "datasets.train": "datasets.train.dataroot_gt: DIV2K",
    "datasets.train.dataroot_gt": "datasets.train.dataroot_gt: DIV2K",
    "datasets.val": "datasets.val.0.dataroot_gt: Set5",
    "datasets.val.dataroot_gt": "datasets.val.0.dataroot_gt: Set5",
    "network_g": "network_g.type: lapwave-m",
    "network_g.type": "network_g.type: lapwave-m",
    "train.early_stop": "train.early_stop.patience: 10",
    "train.early_stop.patience": "train.early_stop.patience: 10",
    "train.optim_g.betas": "train.optim_g.betas: [0.9, 0.99]",
    "train.patch_schedule": "train.patch_schedule.0: {from_iter: 50000, gt_size: 256}",
    "train.patch_schedule.from_iter": "train.patch_schedule.0.from_iter: 50000",
    "train.patch_schedule.gt_size": "train.patch_schedule.0.gt_size: 256",
}

LONGEST = 60  # letters of a value that a message repeats

# pydantic's words, where ours are plainer.
WORDS = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must have keys of its own",
    "model_type": "must have keys of its own",
    "string_pattern_mismatch": "must begin with a letter or a digit, and then may have . + - too",
}


def parse_config(
    values: Mapping[str, Any], *, source: str = "", origins: Mapping[str, str] | None = None
) -> TrainingConfig:
    """Check every key and every value.

    `source` is the file they are from; `origins` gives, for dotted keys that are from elsewhere,
    the option that set them.

    Raises: ConfigError about the first problem, saying how many there are; unknown keys come
        before the rest, and keys that are missing last, since one may be misspelt for the other.
    """
    try:
        return TrainingConfig.model_validate(dict(values))
    except ValidationError as error:
        found = error.errors(include_url=False)
        # A default that could not be worked out, because what it follows from is refused.
        found = [one for one in found if one["type"] != "default_factory_not_called"]
        problems = sorted(found, key=_rank)
    first = problems[0]
    key = ".".join(str(part) for part in first["loc"])
    message = _placed(key, reason(first), source, origins or {})
    if len(problems) > 1:
        message += f" (and {len(problems) - 1} more)"
    foreign = any(
        one["type"] == "extra_forbidden" and one["loc"][-1] in FOREIGN for one in problems
    )
    raise ConfigError(one_line(message), hint=IMPORT if foreign else _hint(first))


def _rank(problem: ErrorDetails) -> int:
    return {"extra_forbidden": 0, "missing": 2}.get(problem["type"], 1)


def named(
    error: ConfigError, *, source: str = "", origins: Mapping[str, str] | None = None
) -> ConfigError:
    """Say of an error that begins with a key where its value is from, as `parse_config` does."""
    key, colon, said = str(error).partition(": ")
    if not colon or key.split(".")[0] not in TrainingConfig.model_fields:
        return error
    return ConfigError(_placed(key, said, source, origins or {}), hint=error.hint)


def _placed(key: str, said: str, source: str, origins: Mapping[str, str]) -> str:
    """Say what is wrong with a value, which it is and where it is from.

    A section's is from where it was set itself, or else from where that in it was which is named
    first.
    """
    if around := [one for one in origins if f"{key}.".startswith(f"{one}.")]:
        nearest = max(around, key=len)
        return f"{origins[nearest]}: " + (said if nearest == key else f"{key}: {said}")
    words = re.findall(r"\w+", said.partition(": choose one of ")[0])
    inside: dict[int, str] = {}
    for one in origins:
        if one.startswith(f"{key}."):
            # Messages speak of types of numbers, too.
            names = {*one.removeprefix(f"{key}.").split(".")} - {"type"}
            inside |= {words.index(name): one for name in names if name in words}
    if not inside:
        # Where something in it is from elsewhere, an unnamed fault may be that one's.
        mixed = any(one.startswith(f"{key}.") for one in origins) and not any(
            f"{key}.{word}" in known_keys() for word in words
        )
        return "".join(f"{part}: " for part in ("" if mixed else source, key) if part) + said
    one = inside[min(inside)]
    name = one.removeprefix(f"{key}.")
    if said.startswith(f"{name} "):
        return f"{origins[one]}: {said.removeprefix(f'{name} ')}"
    return f"{origins[one]}: {key}: {said}"


def reason(problem: ErrorDetails) -> str:
    """Say in plain words what pydantic finds wrong with a value."""
    kind, given = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return "there is no such key"
    if kind == "missing":
        return "is missing"
    limits = problem.get("ctx", {})
    if kind in ("too_short", "too_long"):
        count = limits.get("min_length", limits.get("max_length"))
        return f"must have {count} {'entry' if count == 1 else 'entries'}, has {len(given)}"
    if kind == "value_error":  # says itself what was given
        return problem["msg"].removeprefix("Value error, ").rstrip(".")
    _, _, rest = problem["msg"].partition(" should ")
    return f"{WORDS.get(kind, f'must {rest}')}, got {shown(given)}"


def shown(value: Any) -> str:
    """Write a value as a configuration file would have it, or the beginning of it."""
    text = flow(value) if isinstance(value, dict | list) else repr(value)
    if value is None or isinstance(value, bool):
        text = json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _hint(problem: ErrorDetails) -> str | None:
    words = [part for part in problem["loc"] if isinstance(part, str)]
    key = ".".join(words)
    if isinstance(refusal := problem.get("ctx", {}).get("error"), MismatchError):
        return refusal.hint
    if problem["type"] == "extra_forbidden":
        return suggest(words[:-1], words[-1])
    if isinstance(problem["input"], str) and f"{key}.type" in known_keys():
        return one_line(f"for example {key}.type: {problem['input']}")
    if problem["type"] in ("missing", "model_type", "tuple_type"):
        example = EXAMPLES.get(key)
        return example and f"for example {example}"
    if problem["type"] == "literal_error":
        return _nearest(problem["input"], str(problem.get("ctx", {}).get("expected", "")))
    return None


def _nearest(given: object, choices: str) -> str | None:
    names: Sequence[str] = choices.split("'")[1::2]
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(str(given).lower(), by_lower, n=1, cutoff=0.5)  # fp16 for float16
    return f"did you mean {by_lower[near[0]]!r}?" if near else None
