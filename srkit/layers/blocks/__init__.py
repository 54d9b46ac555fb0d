"""The blocks a body is a stack of, by name.

To add one: write a file here, whose class takes the feature count and the name of an attention,
keeps the shape of its input and states `receptive_field` (a radius in pixels of its own input;
None = the whole image); add one line below. tests/layers/test_blocks.py then covers it.
"""

from collections.abc import Callable

from srkit.layers.blocks.residual import ResidualBlock
from srkit.layers.layer import Layer
from srkit.layers.registry import lookup

BLOCKS: dict[str, Callable[[int, str], Layer]] = {
    "residual": ResidualBlock,
}


def create_block(name: str, features: int, attention: str) -> Layer:
    """Build the block called `name` for `features` maps, with an attention inside it."""
    return lookup(BLOCKS, "block", name)(features, attention)
