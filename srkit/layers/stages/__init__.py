"""The stages a body can be: ways to arrange a group of blocks, by name.

To add one: write a file here, whose class takes a block's name, the feature count, the name of each
block's attention and the window of what pools; it builds the blocks with `create_block`, keeps the
shape of its input and states `receptive_field` and `size_multiple`. Add one line below.
tests/layers/test_stages.py then covers it.
"""

from collections.abc import Sequence
from typing import Protocol

from srkit.layers.layer import Layer
from srkit.layers.registry import lookup
from srkit.layers.stages.g_ghost import g_ghost_stage
from srkit.layers.stages.plain import PlainStage
from srkit.layers.stages.selective_depth import selective_depth_stage


class StageMaker(Protocol):
    """What builds a stage: its class, or a function."""

    def __call__(
        self, block: str, features: int, attentions: Sequence[str], *, window: int | None = None
    ) -> Layer: ...


STAGES: dict[str, StageMaker] = {
    "plain": PlainStage,
    "sda": selective_depth_stage,
    "g_ghost": g_ghost_stage,
}


def create_stage(
    name: str,
    block: str,
    features: int,
    attention: str,
    *,
    count: int,
    every: int = 1,
    window: int | None = None,
) -> Layer:
    """Build the stage called `name` of `count` blocks for `features` maps.

    The attention is in every block, or in every second, third and so on.
    With a `window`, whatever pools the whole image pools the window around each position instead.
    """
    stage = lookup(STAGES, "stage", name)
    attentions = ["none" if (index + 1) % every else attention for index in range(count)]
    return stage(block, features, attentions, window=window)
