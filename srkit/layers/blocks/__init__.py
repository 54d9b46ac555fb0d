"""The blocks a body is a stack of, by name.

To add one: write a file here, whose class takes the feature count, the name of an attention and
the `window` of what pools, keeps the shape of its input and states `receptive_field` (a radius in
pixels of its own input; None = the whole image) and, where it works on a grid, `size_multiple`;
add one line below. tests/layers/test_blocks.py then covers it.
"""

from typing import Protocol

from srkit.layers.blocks.bridge import BridgeBlock
from srkit.layers.blocks.cmt import CMTBlock
from srkit.layers.blocks.convolution import ConvolutionBlock
from srkit.layers.blocks.ghost import GhostBottleneck
from srkit.layers.blocks.halo import HaloBlock
from srkit.layers.blocks.moga import MogaBlock
from srkit.layers.blocks.res2net import Res2NetBlock
from srkit.layers.blocks.residual import ResidualBlock
from srkit.layers.blocks.wavelets import WaveletsBlock
from srkit.layers.layer import Layer
from srkit.layers.registry import lookup


class BlockMaker(Protocol):
    """What builds a block: its class."""

    def __call__(self, features: int, attention: str, *, window: int | None = None) -> Layer: ...


BLOCKS: dict[str, BlockMaker] = {
    "convolution": ConvolutionBlock,
    "residual": ResidualBlock,
    "bridge": BridgeBlock,
    "ghost": GhostBottleneck,
    "res2net": Res2NetBlock,
    "moga": MogaBlock,
    "cmt": CMTBlock,
    "halo": HaloBlock,
    "wavelets": WaveletsBlock,
}


def create_block(name: str, features: int, attention: str, *, window: int | None = None) -> Layer:
    """Build the block called `name` for `features` maps, with an attention inside it.

    With a `window`, whatever pools the whole image pools the window around each position instead.
    """
    return lookup(BLOCKS, "block", name)(features, attention, window=window)
