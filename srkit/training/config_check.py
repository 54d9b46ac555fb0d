"""Check the values of a configuration file; what is wrong with them is said in one line."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from srkit.errors import ConfigError
from srkit.images.naming import one_line
from srkit.training.config import TrainingConfig
from srkit.training.config_keys import suggest
from srkit.training.yaml_text import flow

# A key that must be there, and what could be written for it.
EXAMPLES = {
    "name": "name: my-run",
    "datasets": "datasets.train.dataroot_gt: DIV2K",
    "datasets.train": "datasets.train.dataroot_gt: DIV2K",
    "datasets.train.dataroot_gt": "datasets.train.dataroot_gt: DIV2K",
    "datasets.val.dataroot_gt": "datasets.val.0.dataroot_gt: Set5",
    "network_g": "network_g.type: lapwave-m",
    "network_g.type": "network_g.type: lapwave-m",
    "train.early_stop.patience": "train.early_stop.patience: 10",
    "train.patch_schedule.from_iter": "train.patch_schedule.0.from_iter: 50000",
    "train.patch_schedule.gt_size": "train.patch_schedule.0.gt_size: 256",
}

# pydantic's words, where ours are plainer.
WORDS = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must have keys of its own",
    "model_type": "must have keys of its own",
    "invalid_key": "keys must be words",
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
        problems = sorted(error.errors(include_url=False), key=_rank)
    first = problems[0]
    key = ".".join(str(part) for part in first["loc"])
    message = f"{_prefix(key, source, origins or {})}{_reason(first)}"
    if len(problems) > 1:
        message += f" (and {len(problems) - 1} more)"
    raise ConfigError(one_line(message), hint=_hint(first))


def _rank(problem: ErrorDetails) -> int:
    return {"extra_forbidden": 0, "missing": 2}.get(problem["type"], 1)


def _prefix(key: str, source: str, origins: Mapping[str, str]) -> str:
    """Say where a value is from and which it is."""
    set_keys = [one for one in origins if f"{key}.".startswith(f"{one}.")]
    if not set_keys:
        return "".join(f"{part}: " for part in (source, key) if part)
    nearest = max(set_keys, key=len)
    return f"{origins[nearest]}: " if nearest == key else f"{origins[nearest]}: {key}: "


def _reason(problem: ErrorDetails) -> str:
    kind, given = problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return "there is no such key"
    if kind == "missing":
        return "is missing"
    limits = problem.get("ctx", {})
    if kind in ("too_short", "too_long"):
        count = limits.get("min_length", limits.get("max_length"))
        return f"must have {count} {'entry' if count == 1 else 'entries'}, has {len(given)}"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    reason = WORDS.get(kind, message)
    if kind == "value_error":  # says itself what was given
        return reason
    return f"{reason}, got {_shown(given)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict | list | tuple):
        text = flow(value if isinstance(value, dict) else list(value))
        return text if len(text) <= 60 else f"{text[:60]}..."
    return repr(value)


def _hint(problem: ErrorDetails) -> str | None:
    words = [part for part in problem["loc"] if isinstance(part, str)]
    if problem["type"] == "extra_forbidden":
        return suggest(words[:-1], words[-1])
    if problem["type"] == "missing":
        example = EXAMPLES.get(".".join(words))
        return example and f"for example {example}"
    if problem["type"] == "literal_error":
        return _nearest(problem["input"], str(problem.get("ctx", {}).get("expected", "")))
    return None


def _nearest(given: object, choices: str) -> str | None:
    names: Sequence[str] = choices.split("'")[1::2]
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(str(given).lower(), by_lower, n=1)
    return f"did you mean {by_lower[near[0]]!r}?" if near else None
