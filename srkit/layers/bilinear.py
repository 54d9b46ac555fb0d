"""A doubling of the image that is learned, and starts as bilinear interpolation.

The image branch of LapSRN (Lai et al., CVPR 2017, https://arxiv.org/abs/1704.03915): a transposed
convolution of 4 x 4. srkit repeats the image's border where the paper has zeros, which darken it,
and gives each channel a kernel; the paper has one channel.
"""

# Shapes: B batch, K image channels, H W height and width.

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.layer import Layer


class LearnedDoubling(Layer):
    """Double height and width, each channel by itself.

    Shape: (B, K, H, W) -> (B, K, 2H, 2W).
    Receptive field: 1.
    """

    receptive_field = 1

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The padding takes off what the repeated border becomes.
        self.spread = nn.ConvTranspose2d(
            channels, channels, 4, stride=2, padding=3, groups=channels, bias=False
        )
        tent = torch.tensor([0.25, 0.75, 0.75, 0.25])
        with torch.no_grad():
            self.spread.weight.copy_(tent[:, None] * tent)

    def forward(self, x_BKHW: Tensor) -> Tensor:
        doubled: Tensor = self.spread(F.pad(x_BKHW, (1, 1, 1, 1), mode="replicate"))
        return doubled
