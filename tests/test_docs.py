"""docs/ says what the code does: what is written by a script is current, what is shown works."""

import json
import re
import runpy
from pathlib import Path

from jsonschema import Draft202012Validator

from srkit.cli.train_settings import KEYS
from srkit.layers.attention import ATTENTION, TEMPORAL_ATTENTION
from srkit.layers.blocks import BLOCKS
from srkit.layers.entrances import ENTRANCES
from srkit.layers.heads import HEADS
from srkit.layers.stages import STAGES
from srkit.models import CLASSIFIERS, MODELS
from srkit.training.config_check import parse_config
from srkit.training.config_keys import known_keys
from srkit.training.yaml_text import read_yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")


def test_what_the_script_writes_is_current() -> None:
    for script, count in (("update_docs.py", 2), ("update_systems.py", 1)):
        documents = runpy.run_path(str(ROOT / "scripts" / script))["documents"]()
        assert len(documents) == count
        for path, text in documents.items():
            assert path.read_text(encoding="utf-8") == text, f"run scripts/{script}"


def test_every_part_is_in_the_table_of_systems() -> None:
    page = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    families = (ATTENTION, TEMPORAL_ATTENTION, BLOCKS, STAGES, ENTRANCES, HEADS)
    parts = {name for family in families for name in family} | {*MODELS, *CLASSIFIERS}
    assert {name for name in parts if f"`{name}`" not in page} == {"sr_network"}
    linked = re.findall(r"\]\(\.\./(.+?)\)", page)
    assert [path for path in linked if not (ROOT / path).is_file()] == []


def test_every_key_is_explained() -> None:
    sections = re.split(r"^### ", PAGE[PAGE.index("## Keys") :], flags=re.MULTILINE)
    explained = set()
    for section in sections:
        title = re.match(r"`([\w.]+)`\n", section)
        prefix = f"{title[1]}." if title else ""
        explained |= {
            f"{prefix}{name}" for name in re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        }
    leaves = {
        key
        for key in known_keys()
        if not any(other.startswith(f"{key}.") for other in known_keys())
        and "network_g." not in key
    }
    assert leaves - {"datasets.train.degradation.type"} <= explained
    assert set(KEYS.values()) - {"datasets.val"} <= explained


def test_the_example_is_a_configuration_and_valid_in_an_editor() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    values = read_yaml(example, "the example")
    assert parse_config(values).train.optim_g.lr == 1e-3
    schema = json.loads((ROOT / "docs" / "training-config.schema.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(values)) == []
    named = re.search(r"\$schema=(\S+)", example)
    assert named
    assert (ROOT / "docs" / named[1]).is_file()
