"""The JSON Schema agrees with what configurations are."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from srkit.data.degradations import DEGRADATIONS
from srkit.models import PRESETS
from srkit.training.config import TrainingConfig
from srkit.training.config_file import write_config
from srkit.training.config_schema import json_schema
from srkit.training.config_words import apply
from srkit.training.losses import LOSSES
from srkit.training.yaml_text import read_yaml

GOOD: dict[str, Any] = {
    "name": "mine",
    "datasets": {"train": {"dataroot_gt": "images"}},
    "network_g": {"type": "lapwave-s"},
}


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    found = json.loads(json_schema())
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


@pytest.mark.parametrize("model", PRESETS)
@pytest.mark.parametrize("degradation", ["bicubic", *DEGRADATIONS])
def test_a_configuration_is_valid_as_it_is_written(
    schema: Draft202012Validator, model: str, degradation: str
) -> None:
    words = [
        f"network_g.type={model}",
        f"datasets.train.degradation.type={degradation}",
        "datasets.val.0.dataroot_gt=Set5",
        "datasets.val.0.lr_track=unknown",
        "train.early_stop.patience=3",
        "train.patch_schedule.0={from_iter: 5, gt_size: 64}",
    ]
    config = TrainingConfig.model_validate(apply(GOOD, words))
    assert list(schema.iter_errors(read_yaml(write_config(config), "it"))) == []


@pytest.mark.parametrize(
    "word",
    [
        "scale=2",
        "datasets.train.dataroot_gt=[a, b]",
        "datasets.train.dataroot_lq=a",
        "datasets.val={dataroot_gt: Set5}",
        "network_g.attention=eca",
        "network_g.features=8",
        f"train.losses={{{', '.join(f'{name}: 1' for name in LOSSES)}}}",
        "train.losses={reconstruction: 1, detail: 0, approximation: 0.8}",
        "datasets.train.degradation={type: second_order, jpeg_range: [30, 95]}",
        "datasets.train.degradation={}",
    ],
)
def test_what_srkit_takes_an_editor_accepts(schema: Draft202012Validator, word: str) -> None:
    assert list(schema.iter_errors(apply(GOOD, [word]))) == []


@pytest.mark.parametrize(
    "word",
    [
        "nam=x",
        "name=../x",
        "scale=0",
        "train.total_itr=5",
        "train.total_iter=1.5",
        "train.optim_g.type=adamw",
        "train.optim_g.betas=[0.9]",
        "train.losses.l3=1",
        "datasets.val=[{name: x}]",
        "datasets.train.dataroot_gt=[]",
        "datasets.train.lr_track=terrible",
        "datasets.train.degradation.type=awful",
        "datasets.train.degradation.jpeg_range=[30, 95]",
        "datasets.train.degradation={type: second_order, jpeg_rnge: [30, 95]}",
        "network_g.type=lapwave",
        "network_g.atention=eca",
        "network_g.attention=ecaa",
        "network_g.features=many",
    ],
)
def test_what_srkit_refuses_an_editor_underlines(schema: Draft202012Validator, word: str) -> None:
    assert list(schema.iter_errors(apply(GOOD, [word])))


def test_an_editor_explains_keys_and_knows_defaults() -> None:
    sections = json.loads(json_schema())["$defs"]
    training = sections["Training"]["properties"]
    assert training["clip_grad_norm"]["default"] == 1.0
    assert training["clip_grad_norm"]["description"].startswith("Largest norm")
    (small,) = (
        kind["then"]["properties"]
        for kind in sections["Network"]["allOf"]
        if kind["if"]["properties"]["type"]["const"] == "lapwave-s"
    )
    assert small["features"]["default"] == PRESETS["lapwave-s"][1]["features"]
    assert small["expansion"]["description"].startswith("Channels that convolutions")
