"""The plain stage: equal blocks in a row."""

import math
from collections.abc import Sequence

from torch import nn

from srkit.layers.blocks import create_block
from srkit.layers.layer import Layer, chained


class PlainStage(nn.Sequential, Layer):
    """Run one block after the other.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the sum of the blocks'; the whole image where one of them sees it.
    """

    def __init__(
        self,
        block: str,
        features: int,
        attentions: Sequence[str],
        *,
        window: int | None = None,
    ) -> None:
        blocks = [create_block(block, features, name, window=window) for name in attentions]
        super().__init__(*blocks)
        self.receptive_field = chained(one.receptive_field for one in blocks)
        self.size_multiple = math.lcm(*(one.size_multiple for one in blocks))
