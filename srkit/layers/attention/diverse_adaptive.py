"""Diverse and adaptive attention (DA2), reconstructed: what several kernels see, weighed.

Girma, Homaifar et al., "DA2-Net: Diverse & Adaptive Attention Convolutional Neural Network", 2021,
https://arxiv.org/abs/2111.13157. Reconstructed from the abstract, as no code was published: diverse
are three convolutions of each channel, 3x3 with dilations 1, 2 and 3; adaptive is their selection
by channel, as in selective kernels; what was selected is added to the features, itself scaled by
squeeze-and-excitation. srkit's default leaves out batch normalisation; `norm="bn"` has it, in the
branches and in the selection. The abstract calls the overhead negligible: here it is a seventh of a
residual block of 64 channels, most of it for the selection; a smaller `least_hidden` costs less.
"""

# Shapes: B batch, K branches, C channels, H W height and width.

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.branch_selection import BranchSelection
from srkit.layers.attention.excitation import Excitation
from srkit.layers.attention.pooling import mean, pooling_radius
from srkit.layers.convolution import convolution
from srkit.layers.layer import chained


class DiverseAdaptiveAttention(PoolingAttention):
    """Add to the features an emphasised selection of convolutions of several sizes.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because its means select and emphasise; or twice half the
        window, and the largest dilation.
    Raises: ConfigError when there is no branch.
    """

    category = "branch"

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        branches: int = 3,
        reduction: int = 16,
        least_hidden: int = 32,
        norm: str = "none",
    ) -> None:
        super().__init__(channels, window=window)
        if branches < 1:
            raise ConfigError(f"branches must be at least 1, got {branches}")
        self.branches = nn.ModuleList(
            convolution(
                channels, channels, 3, dilation=dilation, groups=channels, norm=norm, slope=0
            )
            for dilation in range(1, branches + 1)
        )
        hidden = max(channels // reduction, least_hidden)
        self.select = BranchSelection(channels, branches, window=window, hidden=hidden, norm=norm)
        # A single hidden unit, in a narrow network, may never get past its ReLU.
        self.emphasise = Excitation(channels, reduction=reduction, least_hidden=4)
        radius = pooling_radius(window)
        self.receptive_field = chained((radius, radius, branches))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        selected = self.select(torch.stack([branch(x_BCHW) for branch in self.branches]))
        emphasised_BCHW = selected * self.emphasise(mean(selected, self.window))
        added_BCHW: Tensor = x_BCHW + emphasised_BCHW
        return added_BCHW
