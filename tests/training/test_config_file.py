"""Configuration files are read, and written so that they explain themselves and read the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from srkit.errors import ConfigError
from srkit.training.config import TrainingConfig
from srkit.training.config_check import parse_config
from srkit.training.config_file import LARGEST, read_config, write_config
from srkit.training.yaml_text import read_yaml

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
settings_of_models = st.dictionaries(
    words.filter(lambda key: key != "type"),
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | words
    | st.lists(words, max_size=2),
    max_size=3,
)


@settings(deadline=None)
@given(
    roots=st.lists(words, min_size=1, max_size=3),
    sets=st.lists(st.tuples(words, st.none() | words), max_size=2),
    network=settings_of_models,
    losses=st.dictionaries(words, st.floats(0, 10), max_size=3),
    rate=st.floats(1e-8, 1),
    sizes=st.lists(st.integers(1, 99), unique=True, max_size=3).map(sorted),
    seed=st.integers(0, 2**32 - 1),
)
def test_what_is_written_is_the_configuration(
    roots: list[str],
    sets: list[tuple[str, str | None]],
    network: dict[str, Any],
    losses: dict[str, float],
    rate: float,
    sizes: list[int],
    seed: int,
) -> None:
    config = TrainingConfig.model_validate(
        {
            "name": "mine",
            "manual_seed": seed,
            "datasets": {
                "train": {"dataroot_gt": roots},
                "val": [{"dataroot_gt": root, "name": name} for root, name in sets],
            },
            "network_g": {"type": "any", **network},
            "train": {
                "losses": losses,
                "optim_g": {"lr": rate},
                "patch_schedule": [{"from_iter": size, "gt_size": size} for size in sizes],
                "early_stop": {"patience": 3},
            },
        }
    )
    text = write_config(config)
    assert parse_config(read_yaml(text, "it")) == config
    assert TrainingConfig.model_validate(yaml.safe_load(text)) == config


def test_every_key_is_written_under_what_it_means() -> None:
    config = TrainingConfig.model_validate(
        {
            "name": "mine",
            "datasets": {"train": {"dataroot_gt": "DIV2K"}, "val": {"dataroot_gt": "Set5"}},
            "network_g": {"type": "lapwave-s", "features": 8},
            "train": {"losses": {"l1": 1}},
        }
    )
    text = write_config(config)
    assert text.startswith(
        "# Name of the run, its folder and its checkpoint.\n"
        "name: mine\n"
        "# Enlargement; the model's own when absent. An autoencoder has none.\n"
        "scale: null\n"
    )
    assert (
        "  val:\n"
        "    # What to call it; the folder's name when not given.\n"
        "    - name: null\n"
        "      # A folder of HR images, or of labelled ones, or a benchmark by name, or "
        "DIV2K-valid.\n"
        "      dataroot_gt: Set5\n"
    ) in text
    assert "  type: lapwave-s\n  features: 8\n" in text
    assert "  losses:\n    l1: 1.0\n" in text
    keys = [line for line in text.splitlines() if line.strip()[:1] not in ("", "#", "-")]
    assert len(keys) > 40


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"# nothing but this\n", "empty"),
        (b"- a\n- b\n", "holds a list, not keys with values"),
        (b"DIV2K", "holds only 'DIV2K', not keys with values"),
        (b"5", "holds only 5, not keys with values"),
        (b"name: x\nscale: \xff", ", line 2: not UTF-8 text"),
        (b"name: x\nname: y", ", line 2: key 'name' is given twice"),
        (b"#" * (LARGEST + 1), f"more than {LARGEST:,} bytes, no configuration is"),
    ],
)
def test_a_file_that_holds_no_configuration_is_refused(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / "run.yml"
    path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    separator = "" if message.startswith(",") else ": "
    assert str(caught.value) == f"{path}{separator}{message}"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path, "is a directory"),
        (tmp_path / "absent", "no such file or directory"),
        (tmp_path / ("x" * 300), "file name too long"),
        (Path("a\0b"), "embedded null byte"),
    ):
        with pytest.raises(ConfigError, match=f": {reason}$"):
            read_config(path)


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "run.yml"
    path.write_bytes(b"\xef\xbb\xbfname: caf\xc3\xa9\r\n")
    assert read_config(path) == {"name": "café"}
