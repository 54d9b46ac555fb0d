"""Write what in docs/ follows from the code: the schema, and the tables of docs/configuration.md.

    python scripts/update_docs.py

Between a line `<!-- NAME: ... -->` and the next `<!-- end -->` of the page stands what this script
writes under NAME; all else is written by hand. tests/test_docs.py fails where they differ.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from srkit.cli.train_settings import KEYS
from srkit.data.degradations import DEGRADATIONS
from srkit.models import CLASSIFIER_PRESETS, CLASSIFIERS, MODELS, PRESETS
from srkit.training.class_objective import Classification
from srkit.training.config import TrainingConfig
from srkit.training.config_keys import section_of
from srkit.training.config_schema import json_schema
from srkit.training.foreign_keys import REASONS
from srkit.training.losses import LOSSES
from srkit.training.objectives import OBJECTIVES, BandPrediction, SuperResolution
from srkit.training.yaml_text import flow

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCHEMA = DOCS / "training-config.schema.json"
PAGE = DOCS / "configuration.md"
BLOCK = re.compile(r"(<!-- (\w+):.*?-->\n).*?(<!-- end -->\n)", re.DOTALL)

Schema = Mapping[str, Any]
KINDS = {
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "null": "null",
    "object": "keys with values",
}
SETTINGS = "| key | value | default | meaning |"
LIMITS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}


def main() -> None:
    """Write both files."""
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")


def documents() -> dict[Path, str]:
    """Give the text that each file should have."""
    blocks = {
        "options": _options(),
        "keys": _keys(),
        "models": _models(),
        "losses": _losses(),
        "degradations": _degradations(),
        "dropped": _dropped(),
    }

    def written(match: re.Match[str]) -> str:
        return f"{match[1]}{blocks[match[2]]}{match[3]}"

    return {SCHEMA: json_schema(), PAGE: BLOCK.sub(written, PAGE.read_text(encoding="utf-8"))}


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    lines = [head, "|---" * (head.count("|") - 1) + "|"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Keep a text inside its cell, which is one line between two bars."""
    return " ".join(text.split()).replace("|", "/")


def _options() -> str:
    rows = [(f"`{option}`", f"`{key}`") for option, key in KEYS.items()]
    rows += [
        ("`--model`", "`network_g.type`, and of another model than the file's all its settings"),
        ("`--patch-size`", "`datasets.train.gt_size`, divided by the scale"),
    ]
    return _table("| option | key |", rows)


def _keys() -> str:
    return "\n".join(_sections(TrainingConfig, "", "The top level."))


def _sections(section: type[BaseModel], name: str, about: str) -> Iterator[str]:
    """Give a table for a section and one for each section in it."""
    whole = json.loads(json_schema())
    properties = whole["$defs"].get(section.__name__, whole)["properties"]
    inner = {key: section_of(field.annotation) for key, field in section.model_fields.items()}
    rows = [
        _row(key, properties[key], needed=field.is_required())
        for key, field in section.model_fields.items()
        if inner[key] is None
    ]
    if rows:
        title = f"### `{name}`\n\n" if name else ""
        about = " ".join(about.split())
        yield f"{title}{about[:1].upper()}{about[1:]}\n\n{_table(SETTINGS, rows)}"
    for key, one in inner.items():
        if one is not None:
            meaning = section.model_fields[key].description or (one.__doc__ or "")
            yield from _sections(
                one, f"{name}.{key}".lstrip("."), meaning.partition("`: ")[2] or meaning
            )


def _row(key: str, schema: Schema, *, needed: bool = False) -> tuple[str, str, str, str]:
    default = "*needed*" if needed else _shown(schema.get("default"))
    return f"`{key}`", _value(schema), default, schema.get("description", "")


def _shown(default: Any) -> str:
    return "" if default is None else f"`{flow(default)}`"


def _value(schema: Schema) -> str:
    """Say in words what a value may be."""
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"] if one is not None)
    if "anyOf" in schema:
        kinds = [_value(one) for one in schema["anyOf"] if one.get("type") != "null"]
        return kinds[0]  # after a list comes what may stand for a list of one
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return f"list of {len(schema['prefixItems'])}: {_value(schema['prefixItems'][0])}"
        return f"list: {_value(schema['items'])}"
    limits = [f"{sign} {schema[limit]}" for limit, sign in LIMITS.items() if limit in schema]
    return " ".join([KINDS[schema["type"]], " and ".join(limits)]).strip()


def _models() -> str:
    """Give the settings of every kind of model, and what its names stand for."""
    network = json.loads(json_schema())["$defs"]["Network"]
    found = {
        kind["if"]["properties"]["type"]["const"]: kind["then"]["properties"]
        for kind in network["allOf"]
    }
    parts = []
    for kind in MODELS | CLASSIFIERS:
        presets = PRESETS | CLASSIFIER_PRESETS
        names = {name: preset for name, (of, preset) in presets.items() if of == kind}
        plain = next((name for name, preset in names.items() if not preset), next(iter(names)))
        lines = [f"#### `{plain}`\n"]
        for name, preset in names.items():
            if name != plain:
                given = ", ".join(f"{key} {flow(value)}" for key, value in preset.items())
                lines.append(f"`{name}` is it with {given}.\n")
        rows = [_row(key, one) for key, one in found[plain].items() if one is not True]
        lines.append(_table(SETTINGS, rows))
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _losses() -> str:
    rows = [("super-resolution", ", ".join(f"`{name}`" for name in LOSSES), "`l1: 1.0`")]
    for model, objective in OBJECTIVES.items():
        kinds = [
            name
            for name, (kind, _) in (PRESETS | CLASSIFIER_PRESETS).items()
            if issubclass((MODELS | CLASSIFIERS)[kind][1], model)
        ]
        names = list(LOSSES if issubclass(objective, SuperResolution) else objective.standard)
        if issubclass(objective, BandPrediction | Classification):
            names = list(objective.joint)
        standard = ", ".join(f"`{name}: {weight}`" for name, weight in objective.standard.items())
        models, losses = (", ".join(f"`{one}`" for one in group) for group in (kinds, names))
        rows.append((models, losses, standard))
    return _table("| model | names | when empty |", rows)


def _degradations() -> str:
    parts = []
    for name, degradation in DEGRADATIONS.items():
        schema = degradation.model_json_schema()
        rows = [_row(key, one) for key, one in schema["properties"].items() if key != "scale"]
        about = (degradation.__doc__ or "").partition("\n")[0]
        parts.append(f"#### `{name}`\n\n{about}\n\n{_table(SETTINGS, rows)}")
    return "\n".join(parts)


def _dropped() -> str:
    """Give the keys by reason, in the order of the first of each."""
    keys: dict[str, list[str]] = {}
    for key, reason in REASONS.items():
        keys.setdefault(reason, []).append(f"`{key}`")
    rows = ((", ".join(names), reason) for reason, names in keys.items())
    return _table("| key | why |", rows)


if __name__ == "__main__":
    main()
