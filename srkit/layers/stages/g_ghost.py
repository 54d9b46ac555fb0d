"""The G-Ghost stage: half of the channels skip its blocks and are made from the first one's.

Han et al., "GhostNets on Heterogeneous Devices via Cheap Operations", IJCV 2022,
https://arxiv.org/abs/2201.03297. The stage's first and last block are whole; those between work on
the raw half. The ghost half is a pixelwise convolution of the first block's result, corrected by
the means of all blocks' results. srkit's defaults leave out batch normalisation and let the ReLU
leak; `norm="bn", slope=0` is the paper's.
"""

# Shapes: B batch, C features, R raw channels, G ghost channels (C = R + G), M mixed channels, H W
# height and width.

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention import pooling
from srkit.layers.blocks import create_block
from srkit.layers.convolution import convolution
from srkit.layers.layer import Layer, chained

FEWEST_BLOCKS = 3


class GGhostStage(Layer):
    """Run all channels through a first and a last block, and the raw ones through those between.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the sum of the blocks' and half of the window; the whole image without one.
    """

    def __init__(
        self,
        first: Layer,
        between: Sequence[Layer],
        last: Layer,
        *,
        features: int,
        raw: int,
        window: int | None = None,
        norm: str = "none",
        slope: float = 0.1,
    ) -> None:
        super().__init__()
        ghost = features - raw
        self.shares = (raw, ghost)
        self.window = window
        self.first = first
        self.between = nn.ModuleList(between)
        self.last = last
        self.cheap = convolution(ghost, ghost, norm=norm)
        self.mix = nn.Sequential(
            convolution(features + raw * len(between), ghost, norm=norm, slope=slope),
            convolution(ghost, ghost, norm=norm),
        )
        self.activate = nn.LeakyReLU(slope)
        blocks = (first, *between, last)
        self.receptive_field = chained(
            (*(block.receptive_field for block in blocks), pooling.pooling_radius(window))
        )
        self.size_multiple = math.lcm(*(block.size_multiple for block in blocks))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        made = [self.first(x_BCHW)]
        raw_BRHW, base_BGHW = made[0].split(self.shares, dim=1)
        for block in self.between:
            raw_BRHW = block(raw_BRHW)
            made.append(raw_BRHW)
        means = torch.cat([pooling.mean(maps, self.window) for maps in made], dim=1)
        mixed = self.mix(means.to(x_BCHW.dtype))
        ghost_BGHW = self.activate(self.cheap(base_BGHW) + mixed)
        whole_BCHW: Tensor = self.last(torch.cat((raw_BRHW, ghost_BGHW), dim=1))
        return whole_BCHW


def g_ghost_stage(
    block: str, features: int, attentions: Sequence[str], *, window: int | None = None
) -> GGhostStage:
    """Build the stage from blocks of one kind; those between have half of the features.

    Raises: ConfigError for less than three blocks or less than two features.
    """
    if len(attentions) < FEWEST_BLOCKS or features < 2:
        raise ConfigError(
            f"a g_ghost stage needs at least {FEWEST_BLOCKS} blocks and 2 features, "
            f"got {len(attentions)} and {features}",
            hint="stage plain takes any number",
        )
    raw = features - features // 2
    return GGhostStage(
        create_block(block, features, attentions[0], window=window),
        [create_block(block, raw, name, window=window) for name in attentions[1:-1]],
        create_block(block, features, attentions[-1], window=window),
        features=features,
        raw=raw,
        window=window,
    )
