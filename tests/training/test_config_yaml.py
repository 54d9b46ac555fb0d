"""Configuration files as YAML: what is read as what, what is refused, and on which line."""

import math
import time
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from srkit.errors import ConfigError
from srkit.training.yaml_text import DEEPEST, MOST_VALUES, flow, read_yaml

odd = """no Yes null ~ 1e-3 1_000 0x1F 1:30 2026-01-01 .inf << = - [x *a &a !!str ' "
a: b
# c
"""
texts = (
    st.text(max_size=20)
    | st.sampled_from(odd.split() + odd.splitlines())
    | st.sampled_from(["true ", " 1", "\u2028", "\x85"])
)
numbers = st.integers() | st.floats(allow_nan=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("2E+4", 2e4),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3),
        ("010", 10),
        ("0o10", 8),
        ("0x1f", 31),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("", None),
        ("yes", "yes"),
        ("off", "off"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("'1e-3'", "1e-3"),
        ("!!float 1e-4", 1e-4),
        ("!!float 5e3", 5000.0),
        ("!!str 5", "5"),
    ],
)
def test_a_value_is_that_of_the_core_schema(text: str, value: Any) -> None:
    found = read_yaml(f"key: {text}", "it")["key"]
    assert found == value
    assert type(found) is type(value)


@settings(deadline=None)
@given(values)
def test_what_is_written_reads_as_it_was_here_and_elsewhere(value: Any) -> None:
    text = flow(value)
    assert len(text.splitlines()) <= 1
    assert read_yaml(text, "it") == value
    assert yaml.safe_load(text) == value  # PyYAML's own reader, of YAML 1.1


def test_an_alias_is_what_it_stands_for() -> None:
    text = "train: &all {root: a, size: 4}\nval: *all\nlist: [*all, *all]"
    assert read_yaml(text, "it") == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: 1\nname: x\nlr: 2", "it, line 3: key 'lr' is given twice"),
        ("train:\n  lr: 1\n  'lr': 2\n", "it, line 3: key 'lr' is given twice"),
        ("a: 1\n[b]: 2", "it, line 2: a key must be a word"),
        ("a: 1\n2: b", "it, line 2: a key must be a word"),
        ("a: 1\nnull: b", "it, line 2: a key must be a word"),
        ("a: !!python/object/apply:os.system [echo]", "it: values of the kind !!python/object"),
        (
            "!!python/name:os.system x",
            "it: values of the kind !!python/name:os.system have no place",
        ),
        ("a: 1\nb: !mine x", "it, line 2: values of the kind !mine have no place here"),
        ("a: !!binary aGk=", "it: values of the kind !!binary have no place here"),
        ("a: !!set {x}", "it: values of the kind !!set have no place here"),
        ("a: !!timestamp 2026-01-01", "it: values of the kind !!timestamp have no place here"),
        ("a: !!bool maybe", "it: 'maybe' is no truth value"),
        ("a: !!int many", "it: 'many' is no such number"),
        (f"a: {'9' * 5000}", f"it: '{'9' * 40}' is no such number"),
        ("a: &a\n  - 1\n  - *a", "it, line 3: *a stands inside of what it stands for"),
        ("a: 1\nb: *c", "it, line 2: not YAML: found undefined alias 'c'"),
        ("a: 1\nb: [1, 2", "it, line 2: not YAML: while parsing a flow sequence, expected ',' or"),
        (
            "a:\n\t- 1",
            "it, line 2: not YAML: while scanning for the next token, found character '\\t'",
        ),
        ("a: 1\nb: \x01", "it, line 2: not YAML: character U+0001 cannot stand in it"),
        ("a: 1\n---\nb: 2", "it, line 2: not YAML: expected a single document in the stream"),
    ],
)
def test_a_refusal_names_the_line_and_the_reason(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, "it")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_small_text_cannot_hold_much() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    began = time.perf_counter()
    with pytest.raises(ConfigError, match=f"it, line 5: more than {MOST_VALUES:,} values"):
        read_yaml("\n".join(lines), "it")
    assert time.perf_counter() - began < 1
    with pytest.raises(ConfigError, match="more than 10,000 values"):
        read_yaml(f"[{'1, ' * MOST_VALUES}]", "it")
    assert len(read_yaml(f"[{'1, ' * (MOST_VALUES - 1)}]", "it")) == MOST_VALUES - 1


def test_depth_is_limited() -> None:
    deep = "[" * DEEPEST + "]" * DEEPEST
    assert read_yaml(deep, "it") == yaml.safe_load(deep)
    for text in ("[" * 100_000, "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "{a: " * 10_000):
        with pytest.raises(ConfigError, match="lists or sections within each other"):
            read_yaml(text, "it")
