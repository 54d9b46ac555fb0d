"""The JSON Schema of configuration files, by which editors complete, explain and check them.

pydantic writes most of it. Added is what is looked up by name elsewhere: models and their
settings, layers, losses, degradations. Its text is `docs/training-config.schema.json`, which
scripts/update_docs.py writes.
"""

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter

from srkit.data.degradations import DEGRADATIONS
from srkit.data.div2k import TRACKS
from srkit.layers.attention import ATTENTION
from srkit.layers.backbones import BACKBONES
from srkit.layers.blocks import BLOCKS
from srkit.layers.entrances import ENTRANCES
from srkit.layers.heads import HEADS
from srkit.layers.stages import STAGES
from srkit.models import CLASSIFIER_PRESETS, CLASSIFIERS, MODELS, PRESETS
from srkit.training.class_objective import Classification
from srkit.training.config import TrainingConfig
from srkit.training.losses import LOSSES
from srkit.training.objectives import Autoencoding, BandPrediction

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LAYERS: dict[str, Mapping[str, Any]] = {
    "attention": ATTENTION,
    "backbone": BACKBONES,
    "block": BLOCKS,
    "entrance": ENTRANCES,
    "head": HEADS,
    "stage": STAGES,
}


def json_schema() -> str:
    """Give the schema (draft 2020-12) as text, with a line break at its end."""
    schema = _without_titles(TrainingConfig.model_json_schema())
    sections = schema["$defs"]
    images = sections["TrainingImages"]["properties"]
    for listed in (
        images["dataroot_gt"],
        images["dataroot_lq"],
        sections["Datasets"]["properties"]["val"],
    ):
        _or_one(listed)
    images["lr_track"]["enum"] = [*TRACKS, None]
    images["degradation"] |= _degradations()
    sections["Network"] = _models(sections["Network"])
    own = (Autoencoding.standard, BandPrediction.joint, Classification.joint)
    names = dict.fromkeys((*LOSSES, *(name for terms in own for name in terms)))
    sections["Training"]["properties"]["losses"]["propertyNames"] = {"enum": list(names)}
    whole = {"$schema": DIALECT, "title": "A training run of srkit", **schema}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _models(network: Schema) -> Schema:
    """Let the model's name decide which settings there are."""
    kinds = []
    for name, (kind, preset) in (PRESETS | CLASSIFIER_PRESETS).items():
        config_class, _ = (MODELS | CLASSIFIERS)[kind]
        settings = _without_titles(TypeAdapter(config_class).json_schema())["properties"]
        for setting, meaning in _meanings(config_class).items():
            settings[setting]["description"] = meaning
        for setting, value in preset.items():
            settings[setting]["default"] = value
        for layer, family in LAYERS.items():
            if layer in settings:
                settings[layer]["enum"] = list(family)
        kinds.append(_when(name, settings))
    names = network["properties"]["type"] | {"enum": [*PRESETS, *CLASSIFIER_PRESETS]}
    rest = {key: value for key, value in network.items() if key != "additionalProperties"}
    return rest | {"properties": {"type": names}, "allOf": kinds}


def _meanings(config_class: type[Any]) -> dict[str, str]:
    """Give the text under each field of a class and its parents, which Python does not keep."""
    found: dict[str, str] = {}
    for one in reversed(config_class.__mro__[:-1]):
        (definition,) = ast.parse(inspect.getsource(one)).body
        assert isinstance(definition, ast.ClassDef)
        found |= dict(_explained(definition))
    return found


def _explained(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, text in pairwise(definition.body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(ast.Constant(str(meaning))):
                yield name, inspect.cleandoc(meaning)


def _degradations() -> Schema:
    """Let the degradation's name decide which settings there are."""
    kinds = [_when("bicubic", {}, standard=True)]
    for name, degradation in DEGRADATIONS.items():
        settings = _without_titles(degradation.model_json_schema())["properties"]
        kinds.append(_when(name, {key: settings[key] for key in settings if key != "scale"}))
    names = {"type": {"enum": ["bicubic", *DEGRADATIONS]}}
    return {"properties": names, "additionalProperties": True, "allOf": kinds}


def _when(name: str, settings: Schema, *, standard: bool = False) -> Schema:
    """Allow these settings alone when `type` is this name, or perhaps when it is absent."""
    condition: Schema = {"properties": {"type": {"const": name}}}
    if not standard:
        condition["required"] = ["type"]
    return {
        "if": condition,
        "then": {"properties": {"type": True, **settings}, "additionalProperties": False},
    }


def _or_one(listed: Schema) -> None:
    """Let one entry stand for a list of one."""
    choices = listed.pop("anyOf", None)
    if choices is None:
        keys = ("type", "items", "minItems")
        choices = [{key: listed.pop(key) for key in keys if key in listed}]
    listed["anyOf"] = [*choices, choices[0]["items"]]


def _without_titles(schema: Any) -> Any:
    """Leave out pydantic's titles, which only repeat the keys, and what sections default to."""
    if isinstance(schema, list):
        return [_without_titles(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
        and not (key == "default" and isinstance(value, dict) and "$ref" in schema)
    }
