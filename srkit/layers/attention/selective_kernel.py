"""Selective kernel (SK) attention: each channel picks the size of its kernel.

Li et al., "Selective Kernel Networks", CVPR 2019, https://arxiv.org/abs/1903.06586. Two branches of
3x3 convolutions, the second of dilation 2 in place of a 5x5 one, in 32 groups (fewer where 32 does
not divide the channels). The paper normalises the batch behind every layer (`norm="bn"`).
"""

# Shapes: B batch, K branches, C channels, H W height and width.

import math

import torch
from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.branch_selection import BranchSelection
from srkit.layers.convolution import convolution


class SelectiveKernel(PoolingAttention):
    """Convolve with kernels of several sizes and mix the results, channel by channel.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because its mean picks; or half the window and 2.
    """

    category = "branch"
    reach = 2

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        least_hidden: int = 32,
        groups: int = 32,
        norm: str = "none",
    ) -> None:
        super().__init__(channels, window=window)
        shared = math.gcd(channels, groups)
        self.branches = nn.ModuleList(
            convolution(channels, channels, 3, dilation=dilation, groups=shared, norm=norm, slope=0)
            for dilation in (1, 2)
        )
        self.select = BranchSelection(
            channels,
            len(self.branches),
            window=window,
            hidden=max(channels // reduction, least_hidden),
            norm=norm,
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        mixed_BCHW: Tensor = self.select(torch.stack([branch(x_BCHW) for branch in self.branches]))
        return mixed_BCHW
