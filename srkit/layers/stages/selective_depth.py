"""Selective depth attention (SDA): a stage gives a mixture of what its blocks gave, by channel.

Guo et al., "Selective Depth Attention Networks for Adaptive Multiscale Feature Representation"
(SDA-xNet), IEEE Transactions on Artificial Intelligence 2024, https://arxiv.org/abs/2209.10327.
The deeper a block, the wider its receptive field: the mixture selects a scale. srkit's defaults
leave out batch normalisation and the ReLU behind every sum, which a network for super-resolution
does not have either; `norm="bn", activation=True` are the paper's.
"""

# Shapes: B batch, M blocks, C features, H W height and width.

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from srkit.layers.attention import pooling
from srkit.layers.attention.attention import Category
from srkit.layers.blocks import create_block
from srkit.layers.convolution import convolution
from srkit.layers.layer import Layer, chained


class DepthAttention(Layer):
    """Mix what blocks gave, with weights for each channel that sum to one over the blocks.

    Shape: M of (B, C, H, W) -> (B, C, H, W).
    Receptive field: the whole image, for its mean, or half of the window.
    """

    category: ClassVar[Category] = "branch"

    def __init__(
        self,
        features: int,
        count: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        least_hidden: int = 64,
        norm: str = "none",
    ) -> None:
        super().__init__()
        self.window = window
        hidden = max(features // reduction, least_hidden)
        self.squeeze = convolution(features, hidden, norm=norm, slope=0)
        self.logits = nn.ModuleList(nn.Conv2d(hidden, features, 1) for _ in range(count))
        self.receptive_field = pooling.pooling_radius(window)

    def weights(self, depths_BCHW: Sequence[Tensor]) -> Tensor:
        """Give the weights, (M, B, C, 1, 1), or one a position when there is a window."""
        fused_BCHW = torch.stack(tuple(depths_BCHW)).sum(dim=0)
        mean_BCHW = pooling.mean(fused_BCHW, self.window).to(fused_BCHW.dtype)
        squeezed = self.squeeze(mean_BCHW)
        return torch.stack([logits(squeezed) for logits in self.logits]).softmax(dim=0)

    def forward(self, depths_BCHW: Sequence[Tensor]) -> Tensor:
        weights = self.weights(depths_BCHW)
        mixed = depths_BCHW[0] * weights[0]
        for depth_BCHW, weight in zip(depths_BCHW[1:], weights[1:], strict=True):
            mixed = mixed + depth_BCHW * weight
        return mixed


class SelectiveDepthStage(Layer):
    """Run one block after the other and mix what they gave.

    With `activation` a ReLU follows each block and the mixture, which takes what was before it.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the sum of the blocks' and half of the window; the whole image without one.
    """

    def __init__(
        self, blocks: Sequence[Layer], depth: DepthAttention, *, activation: bool = False
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.depth = depth
        self.activate = nn.ReLU() if activation else nn.Identity()
        self.receptive_field = chained(
            (*(block.receptive_field for block in blocks), depth.receptive_field)
        )
        self.size_multiple = math.lcm(*(block.size_multiple for block in blocks))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        depths_BCHW: list[Tensor] = []
        for block in self.blocks:
            depths_BCHW.append(block(x_BCHW))
            x_BCHW = self.activate(depths_BCHW[-1])
        mixed_BCHW: Tensor = self.activate(self.depth(depths_BCHW))
        return mixed_BCHW


def selective_depth_stage(
    block: str, features: int, attentions: Sequence[str], *, window: int | None = None
) -> SelectiveDepthStage:
    """Build the stage from equal blocks."""
    blocks = [create_block(block, features, name, window=window) for name in attentions]
    return SelectiveDepthStage(blocks, DepthAttention(features, len(blocks), window=window))
