"""What is wrong with a configuration is said in one line: from where, which key, why, what would
work."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srkit.errors import ConfigError
from srkit.training.config import TrainingConfig
from srkit.training.config_check import named, parse_config
from srkit.training.config_file import write_config
from srkit.training.config_keys import known_keys
from srkit.training.config_words import apply
from srkit.training.yaml_text import read_yaml

GOOD: dict[str, Any] = {
    "name": "mine",
    "datasets": {"train": {"dataroot_gt": "images"}, "val": {"dataroot_gt": "Set5"}},
    "network_g": {"type": "lapwave-s", "features": 8},
}


def refusal(*words: str, **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse_config(apply(GOOD, words), **options)
    return caught.value


def test_the_field_s_names_are_keys_and_one_entry_stands_for_a_list_of_one() -> None:
    config = parse_config(
        apply(
            GOOD,
            [
                "scale=2",
                "manual_seed=10",
                "datasets.train.gt_size=128",
                "datasets.train.batch_size_per_gpu=4",
                "path.pretrain_network_g=lapwave-m-x2",
                "train.total_iter=1e5",
                "train.optim_g={type: Adam, lr: 2e-4, betas: [0.9, 0.999]}",
                "train.scheduler={type: MultiStepLR, milestones: [5e4, 8e4], gamma: 0.5}",
                "val.val_freq=5e3",
                "logger.save_checkpoint_freq=5e3",
            ],
        )
    )
    assert config.datasets.train.dataroot_gt == ["images"]
    assert [one.dataroot_gt for one in config.datasets.val] == ["Set5"]
    assert config.network_g.settings == {"features": 8}
    assert config.train.total_iter == 100_000
    assert config.train.scheduler.milestones == [50_000, 80_000]
    assert config.train.optim_g.betas == (0.9, 0.999)
    assert (config.val.val_freq, config.logger.save_checkpoint_freq) == (5000, 5000)


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("nam=x", "nam: there is no such key", "did you mean 'name'?"),
        (
            "train.total_itr=5",
            "train.total_itr: there is no such key",
            "did you mean 'total_iter'?",
        ),
        (
            "train.optim_g.learning_rate=5",
            "train.optim_g.learning_rate: there is no such key",
            "known there: type, lr, weight_decay, betas",
        ),
        (
            "train.lr=1e-3",
            "train.lr: there is no such key",
            "it belongs to train.optim_g: train.optim_g.lr",
        ),
        (
            "attention=eca",
            "attention: there is no such key",
            "it belongs to network_g: network_g.attention",
        ),
        (
            "train.scale=2",
            "train.scale: there is no such key",
            "it belongs to the top level: scale",
        ),
        (
            "network_d.type=UNetDiscriminatorSN",
            "network_d: there is no such key",
            "`srkit import-config FILE` translates option files of BasicSR and its children",
        ),
        ("train.total_iter=1.5", "train.total_iter: must be a whole number, got 1.5", None),
        ("train.total_iter=ten", "train.total_iter: must be a whole number, got 'ten'", None),
        ("train.total_iter=0", "train.total_iter: must be greater than 0, got 0", None),
        ("train.total_iter=.inf", "train.total_iter: must be a finite number, got inf", None),
        ("train.optim_g.lr=.nan", "train.optim_g.lr: must be a finite number, got nan", None),
        ("train.optim_g.lr=1e999", "train.optim_g.lr: must be a finite number, got inf", None),
        ("train.optim_g.lr=null", "train.optim_g.lr: must be a number, got null", None),
        ("train.losses.l1=-1", "train.losses.l1: must be greater than or equal to 0, got -1", None),
        ("train.compile=perhaps", "train.compile: must be true or false, got 'perhaps'", None),
        ("datasets.train.weights=1", "datasets.train.weights: must be a list, got 1", None),
        (
            "datasets.train.dataroot_gt=[]",
            "datasets.train.dataroot_gt: must have 1 entry, has 0",
            None,
        ),
        (
            "train.optim_g.betas=[0.9]",
            "train.optim_g.betas.1: is missing",
            "for example train.optim_g.betas: [0.9, 0.99]",
        ),
        (
            "train.optim_g.betas=[0.9, 0.9, 1]",
            "train.optim_g.betas: must have 2 entries, has 3",
            None,
        ),
        ("train.optim_g.betas=[0.9, 1]", "train.optim_g.betas.1: must be less than 1, got 1", None),
        (
            "train.optim_g.type=adamw",
            "train.optim_g.type: must be 'AdamW', 'Adam' or 'Muon', got 'adamw'",
            "did you mean 'AdamW'?",
        ),
        (
            "train.optim_g=Adam",
            "train.optim_g: must have keys of its own, got 'Adam'",
            "for example train.optim_g.type: Adam",
        ),
        (
            "datasets.val=[Set5]",
            "datasets.val.0: must have keys of its own, got 'Set5'",
            "for example datasets.val.0.dataroot_gt: Set5",
        ),
        (
            "train.early_stop.min_delta=1",
            "train.early_stop.patience: is missing",
            "for example train.early_stop.patience: 10",
        ),
        ("name=''", "name: must not be empty, got ''", None),
        (
            "name=../mine",
            "name: must begin with a letter or a digit, and then may have . + - too, got '../mine'",
            None,
        ),
        ("name=[a, {b: no}]", "name: must be text, got [a, {b: 'no'}]", None),
        (
            "manual_seed=4294967296",
            "manual_seed: must be less than 4294967296, got 4294967296",
            None,
        ),
        (
            "train.scheduler.milestones=[5]",
            "train.scheduler: milestones [5] is for type MultiStepLR, the type is "
            "CosineAnnealingLR",
            "leave it out, or --set train.scheduler.milestones=[]",
        ),
        (
            "train.scheduler={type: Constant, eta_min: 1e-6}",
            "train.scheduler: eta_min 1e-06 is for type CosineAnnealingLR or OneCycleLR, the type "
            "is Constant",
            "leave it out, or --set train.scheduler.eta_min=0.0",
        ),
        (
            "train.scheduler.gamma=0.1",
            "train.scheduler: gamma 0.1 is for type MultiStepLR, the type is CosineAnnealingLR",
            "leave it out, or --set train.scheduler.gamma=0.5",
        ),
        (
            "train={scheduler: {type: OneCycleLR}, warmup_iter: 7, total_iter: 100}",
            "train: warmup_iter 7 is not for OneCycleLR, which rises by itself",
            "leave it out; train.scheduler.pct_start says how long it rises",
        ),
        (
            "train.scheduler.pct_start=0.5",
            "train.scheduler: pct_start 0.5 is for type OneCycleLR, the type is CosineAnnealingLR",
            "leave it out, or --set train.scheduler.pct_start=0.3",
        ),
        (
            "train.scheduler.eta_min=0.01",
            "train.scheduler: eta_min must be at most the highest rate, 0.001, got 0.01",
            "--set train.scheduler.eta_min=0",
        ),
        (
            "train={total_iter: 100, warmup_iter: 100}",
            "train.warmup_iter: must be less than the 100 steps of the run, or the rate never gets "
            "to its highest, got 100",
            "--set train.warmup_iter=20",
        ),
        (
            "name=Prepared",
            "name: Prepared is the folder of decoded images, choose another name",
            None,
        ),
        (
            "train.scheduler.type=MultiStepLR",
            "train.scheduler: type MultiStepLR needs milestones",
            None,
        ),
        (
            "datasets.train.weights=[1, 2]",
            "datasets.train: weights must have an entry for each of dataroot_gt's 1, has 2",
            None,
        ),
        (
            "datasets.train={dataroot_gt: DIV2K, lr_track: x8, dataroot_lq: x}",
            "datasets.train: give lr_track or dataroot_lq, not both",
            None,
        ),
        (
            "datasets.train={dataroot_gt: DIV2K, lr_track: x8, degradation: {type: classical}}",
            "datasets.train: LR images are given, and a degradation to make others",
            "leave out degradation, or dataroot_lq and lr_track",
        ),
        (
            "datasets.val=[{dataroot_gt: DIV2K-valid, lr_track: x8, dataroot_lq: x}]",
            "datasets.val.0: give lr_track or dataroot_lq, not both",
            None,
        ),
        (
            "train.precision=fp16",
            "train.precision: must be 'float32', 'bfloat16' or 'float16', got 'fp16'",
            "did you mean 'float16'?",
        ),
        (
            "train.scheduler.type=Cosine",
            "train.scheduler.type: must be 'CosineAnnealingLR', 'MultiStepLR', 'OneCycleLR' or "
            "'Constant', got 'Cosine'",
            "did you mean 'CosineAnnealingLR'?",
        ),
        (
            "datasets.train={dataroot_gt: DIV2K, type: PairedImageDataset, meta_info: x}",
            "datasets.train.type: there is no such key (and 1 more)",
            "`srkit import-config FILE` translates option files of BasicSR and its children",
        ),
        (
            "train.patch_schedule=[{from_iter: 5, gt_size: 64}, {from_iter: 5, gt_size: 96}]",
            "train: patch_schedule: from_iter must rise from entry to entry",
            None,
        ),
    ],
)
def test_a_value_that_cannot_work_is_refused_in_one_line(
    word: str, message: str, hint: str | None
) -> None:
    error = refusal(word)
    assert str(error) == message
    assert error.hint == hint


def test_a_written_configuration_is_read_again_whatever_its_scheduler() -> None:
    """It spells out every key, also those its scheduler has no use for."""
    for scheduler in (
        "{type: MultiStepLR, milestones: [5], gamma: 0.1}",
        "{type: OneCycleLR, pct_start: 0.1, eta_min: 1e-4}",
        "{type: CosineAnnealingLR, eta_min: 1e-3}",
        "{type: Constant}",
    ):
        config = parse_config(apply(GOOD, [f"train.scheduler={scheduler}"]))
        assert parse_config(read_yaml(write_config(config), "it")) == config


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0), (100, 20), (1000, 200), (100_000, 200)])
def test_the_warm_up_of_a_run_that_says_nothing_of_it_ends_early(steps: int, warmup: int) -> None:
    assert parse_config(apply(GOOD, [f"train.total_iter={steps}"])).train.warmup_iter == warmup


def test_a_long_value_is_cut() -> None:
    error = refusal(f"name={'x' * 1000}")
    assert str(error) == f"name: must have at most 100 characters, got '{'x' * 59}..."
    assert len(str(refusal(f"train.total_iter=[{'1, ' * 500}]"))) < 150


def test_an_unknown_key_is_told_before_a_missing_one_and_the_rest_is_counted() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"nme": "x", "datasets": {"train": {}}, "train": {"total_iter": -1}})
    assert str(caught.value) == "nme: there is no such key (and 4 more)"


def test_a_value_is_told_with_where_it_is_from() -> None:
    origins = {"train.total_iter": "--steps", "train.optim_g": "--set train.optim_g"}
    options = {"source": "run.yml", "origins": origins}
    assert str(refusal("train.total_iter=0", **options)) == "--steps: must be greater than 0, got 0"
    assert str(refusal("train.accumulate=0", **options)) == (
        "run.yml: train.accumulate: must be greater than 0, got 0"
    )
    assert str(refusal("train.optim_g.lr=0", **options)) == (
        "--set train.optim_g: train.optim_g.lr: must be greater than 0, got 0"
    )
    origins = {"train.scheduler.milestones": "--set train.scheduler.milestones"}
    assert str(refusal("train.scheduler.milestones=[5]", origins=origins)).startswith(
        "--set train.scheduler.milestones: [5] is for type MultiStepLR"
    )


def test_values_that_do_not_go_together_are_told_with_the_one_that_is_named() -> None:
    origins = {
        "datasets.train.dataroot_lq": "--lr-folder",
        "datasets.train.degradation.type": "--set datasets.train.degradation.type",
        "datasets.train.dataroot_gt": "--dataset",
        "datasets.train.gt_size": "--patch-size",
    }
    many = refusal("datasets.train.dataroot_lq=[a, b]", source="run.yml", origins=origins)
    assert str(many) == "--lr-folder: must have an entry for each of dataroot_gt's 1, has 2"
    assert many.hint == "null stands for a folder whose LR images are to be made"
    words = ("datasets.train.dataroot_lq=[a]", "datasets.train.degradation.type=classical")
    assert str(refusal(*words, source="run.yml", origins=origins)) == (
        "--set datasets.train.degradation.type: datasets.train: LR images are given, and a "
        "degradation to make others"
    )
    both = refusal("datasets.train.weights=[1, 2]", source="run.yml", origins=origins)
    assert str(both).startswith("--dataset: datasets.train: weights must have an entry")
    origins.pop("datasets.train.dataroot_gt")
    alone = refusal("datasets.train.weights=[1, 2]", source="run.yml", origins=origins)
    assert str(alone).startswith("run.yml: datasets.train: weights must have an entry")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("scale: must be one of 2, 3, got 5", "--scale: must be one of 2, 3, got 5"),
        ("network_g: unknown norm 'x'", "--set network_g.norm: network_g: unknown norm 'x'"),
        ("train.losses: unknown loss 'l3'", "run.yml: train.losses: unknown loss 'l3'"),
        (
            "network_g: x has no setting 'foo': choose one of scale, norm",
            "network_g: x has no setting 'foo': choose one of scale, norm",
        ),
        (
            "network_g: depth must be of type int, got 'x'",
            "run.yml: network_g: depth must be of type int, got 'x'",
        ),
        ("absent: no such folder", "absent: no such folder"),
        ("no colon", "no colon"),
    ],
)
def test_what_is_refused_later_is_told_with_where_it_is_from(said: str, told: str) -> None:
    origins = {"scale": "--scale", "network_g.norm": "--set network_g.norm"}
    origins["network_g.type"] = "--model"
    error = named(ConfigError(said, hint="try 2"), source="run.yml", origins=origins)
    assert (str(error), error.hint) == (told, "try 2")


def test_every_key_has_a_meaning() -> None:
    sections = [TrainingConfig]
    for section in sections:
        for name, field in section.model_fields.items():
            inner = [one for one in _sections(field.annotation) if one not in sections]
            sections += inner
            about = field.description or "".join(one.__doc__ or "" for one in inner)
            assert len(about) > 10, f"{section.__name__}.{name}"
    assert len(sections) > 10


def _sections(annotation: Any) -> list[type[TrainingConfig]]:
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [one for part in getattr(annotation, "__args__", ()) for one in _sections(part)]


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(known_keys()), junk)
def test_whatever_a_key_holds_it_is_read_or_refused_in_one_line(key: str, value: Any) -> None:
    values: Any = apply(GOOD, [])
    *parents, last = key.split(".")
    place = values
    for parent in parents:
        place = place.setdefault(parent, {})
        place = place[0] if isinstance(place, list) else place
    place[last] = value
    told = "run.yml: read"
    try:
        parse_config(values, source="run.yml")
    except ConfigError as error:
        told = f"{error} {error.hint}"
    assert told.startswith("run.yml: ")
    assert len(told.splitlines()) == 1
    assert "nput should" not in told
