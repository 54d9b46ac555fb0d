"""`--set KEY=VALUE` on the values of a file."""

from typing import Any

import pytest

from srkit.errors import ConfigError
from srkit.training.config_words import apply

FILE: dict[str, Any] = {
    "name": "mine",
    "train": {"total_iter": 5, "losses": {"l1": 1.0}},
    "datasets": {"val": [{"dataroot_gt": "a"}, {"dataroot_gt": "b"}]},
}


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("train.total_iter=7", "train.total_iter", 7),
        ("train.optim_g.lr=1e-3", "train.optim_g.lr", 0.001),
        ("train.optim_g.betas=[0.9, 0.99]", "train.optim_g.betas", [0.9, 0.99]),
        ("train.losses={l2: 1, ssim: .5}", "train.losses", {"l2": 1, "ssim": 0.5}),
        ("train.losses.ssim=0.5", "train.losses", {"l1": 1.0, "ssim": 0.5}),
        ("network_g.attention=eca", "network_g.attention", "eca"),
        ("network_g.bias=true", "network_g.bias", True),
        ("scale=null", "scale", None),
        ("scale=", "scale", None),
        ("name='7'", "name", "7"),
        ("name=a=b", "name", "a=b"),
        (" name = spaced ", "name", "spaced"),
        ("datasets.val.1.dataroot_gt=c", "datasets.val.1", {"dataroot_gt": "c"}),
        ("datasets.val.2.dataroot_gt=c", "datasets.val.2", {"dataroot_gt": "c"}),
        ("datasets.val.0=c", "datasets.val.0", "c"),
        ("train.patch_schedule.0.gt_size=64", "train.patch_schedule", [{"gt_size": 64}]),
        ("name.1=other", "name", ["mine", "other"]),
    ],
)
def test_a_word_puts_a_value_in_its_place(word: str, key: str, value: Any) -> None:
    place: Any = apply(FILE, [word])
    for part in key.split("."):
        place = place[int(part) if part.isdigit() else part]
    assert place == value
    assert type(place) is type(value)


def test_words_are_carried_out_in_order_and_the_file_s_values_stay() -> None:
    changed = apply(FILE, ["train.total_iter=1", "train={}", "train.total_iter=2", "path.a.b=3"])
    assert changed == FILE | {"train": {"total_iter": 2}, "path": {"a": {"b": 3}}}
    assert FILE["train"] == {"total_iter": 5, "losses": {"l1": 1.0}}


@pytest.mark.parametrize(
    ("word", "message", "hint"),
    [
        ("lr", "--set lr: expected KEY=VALUE", "--set train.optim_g.lr=1e-3"),
        ("=3", "--set =3: expected KEY=VALUE", "--set train.optim_g.lr=1e-3"),
        ("a..b=3", "--set a..b=3: expected KEY=VALUE", "--set train.optim_g.lr=1e-3"),
        (
            "datasets.val.3.name=c",
            "--set datasets.val.3.name: datasets.val is a list of 2, '3' is no place in it",
            "places count from 0; datasets.val.2 adds an entry",
        ),
        (
            "datasets.val.first.name=c",
            "--set datasets.val.first.name: datasets.val is a list of 2, 'first' is no place in it",
            "places count from 0; datasets.val.2 adds an entry",
        ),
        (
            "train.total_iter.x=3",
            "--set train.total_iter.x: train.total_iter is 5 and has no keys of its own",
            None,
        ),
        ("a=[1, {", "--set a: not YAML: while parsing a flow node, expected the node", None),
        ("a={b: 1, b: 2}", "--set a: key 'b' is given twice", None),
    ],
)
def test_a_word_that_cannot_be_carried_out_is_refused(
    word: str, message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        apply(FILE, [word])
    assert str(caught.value).startswith(message)
    assert caught.value.hint == hint
