"""`srkit models`: what it lists is what there is."""

import json
from collections.abc import Callable
from typing import Any

from srkit.layers.attention import ATTENTION, TEMPORAL_ATTENTION, create_attention
from srkit.layers.blocks import BLOCKS
from srkit.layers.catalogue import IN_OTHER_SLOTS
from srkit.layers.stages import STAGES

Srkit = Callable[..., Any]


def test_lists_every_attention_with_its_source(srkit: Srkit) -> None:
    done = srkit("models", "--attention", "--json")
    assert done.code == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert list(rows) == [*ATTENTION, *IN_OTHER_SLOTS, *TEMPORAL_ATTENTION]
    # Squeeze-and-excitation of 64 channels, by hand: to 4 and back, each with a bias.
    assert rows["se"] == {
        "name": "se",
        "slot": "attention",
        "title": "Squeeze-and-excitation (SE) channel attention",
        "category": "channel",
        "scope": "global",
        "local_form": True,
        "parameters": 64 * 4 + 4 + 4 * 64 + 64,
        "source": "https://arxiv.org/abs/1709.01507",
    }
    assert rows["lka"]["scope"] == "local"
    assert rows["frame"]["category"] == "temporal"
    # A layer of 64 to 4 without bias and a normalisation for each of two maps, and one back.
    assert rows["bridge"]["parameters"] == 2 * (64 * 4 + 2 * 4) + 4 * 64
    assert (rows["bridge"]["slot"], rows["bridge"]["category"]) == ("block", "channel")
    assert (rows["sda"]["slot"], rows["sda"]["category"]) == ("stage", "branch")
    assert "bridge" in BLOCKS
    assert "sda" in STAGES
    for name in ATTENTION:
        windowed = create_attention(name, 64, window=8).receptive_field
        whole = create_attention(name, 64).receptive_field
        assert rows[name]["local_form"] == (whole is None)
        assert windowed is not None
        assert rows[name]["source"].startswith("https://") or name in ("none", "haar_gate")


def test_attention_is_a_table_too(srkit: Srkit) -> None:
    done = srkit("models", "--attention")
    assert done.code == 0
    lines = [line for line in done.stdout.splitlines() if "wavenet_c" in line]
    assert len(lines) == 1
    for cell in ("channel", "global, or a window", "512", "https://arxiv.org/abs/2211.02695"):
        assert cell in lines[0]


def test_without_it_the_released_models_are_listed(srkit: Srkit) -> None:
    done = srkit("models", "--json")
    assert done.code == 0
    found = json.loads(done.stdout)
    assert {"released", "trainable", "classifiers"} == found.keys()
    assert "wrn-b4-eca" in found["classifiers"]
