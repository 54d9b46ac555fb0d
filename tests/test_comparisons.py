"""The scripts behind two comparisons: what they compare, at which width, what the pages say."""

import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from srkit.layers.attention import ATTENTION
from srkit.layers.blocks import BLOCKS
from srkit.layers.entrances import ENTRANCES
from srkit.layers.heads import HEADS
from srkit.layers.stages import STAGES
from srkit.models import PRESETS
from srkit.models.cost import multiply_adds

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "ablate.py"))
FAMILIES: dict[str, Mapping[str, object]] = {
    "attention": ATTENTION,
    "block": BLOCKS,
    "stage": STAGES,
    "entrance": ENTRANCES,
    "head": HEADS,
}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ROOT / "docs" / "ablation.json").read_text())
    return found


def test_compares_every_entry_of_every_slot() -> None:
    compared = {(entry.slot, entry.name) for entry in SCRIPT["entries"]()}
    for slot, family in FAMILIES.items():
        standard = SCRIPT["REFERENCE"][slot]
        names = {name for name in family if name != standard or slot == "block"}
        assert {name for one, name in compared if one == slot} == names


def test_every_network_can_be_trained_by_its_name() -> None:
    for name in SCRIPT["SLOTS"]["type"]:
        assert PRESETS[SCRIPT["preset"](name)] == (name, {})


def test_a_width_costs_what_the_reference_does() -> None:
    """Also where it is attention that costs, and not convolutions."""
    build, settings_of, entry = (SCRIPT[name] for name in ("build", "settings_of", "Entry"))
    wanted = multiply_adds(build(SCRIPT["REFERENCE"]), side=32)
    for slot, name in (("attention", "non_local"), ("block", "wavelets"), ("block", "ghost")):
        settings = settings_of(entry(slot=slot, name=name, seed=0))
        assert multiply_adds(build(settings), side=32) == pytest.approx(wanted, rel=0.1)


def test_the_page_is_that_of_the_rows(rows: list[dict[str, Any]]) -> None:
    written = (ROOT / "docs" / "ablation.md").read_text(encoding="utf-8")
    assert SCRIPT["page"](rows) == written


def test_the_page_names_what_is_missing(rows: list[dict[str, Any]]) -> None:
    last = [row for row in rows if (row["name"], row["seed"]) != ("se", 0)]
    assert "attention-se-0" in SCRIPT["page"](last).partition("Not trained yet: ")[2]


def test_the_spread_needs_every_seed() -> None:
    spread = SCRIPT["_spread"]
    rows = [
        {"slot": "block", "name": "ghost", "psnr": {"Set14": psnr}} for psnr in (27.1, 27.3, 27.25)
    ]
    assert "ghost 0.20 dB" in spread(rows)
    assert "not measured" in spread(rows[:2])


def test_the_design_notes_have_the_candidates_table() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "compare_at_equal_time.py"))
    rows = json.loads((ROOT / "docs" / "equal-time.json").read_text())
    assert {row["name"] for row in rows} == set(script["CANDIDATES"])
    notes = (ROOT / "docs" / "design-notes.md").read_text(encoding="utf-8")
    assert script["table"](rows) in notes
