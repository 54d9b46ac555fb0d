"""The gated channel transformation (GCT): channels compete or cooperate by their energy.

Yang et al., "Gated Channel Transformation for Visual Recognition", CVPR 2020,
https://arxiv.org/abs/1909.11519. It starts as the identity.
"""

# Shapes: B batch, C channels, H W height and width.

import torch
from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import total

EPSILON = 1e-5


class GatedChannelTransformation(PoolingAttention):
    """Scale every channel by one plus the tanh of its energy's share in that of all channels.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, whose energy is summed up; or half the window.
    """

    category = "channel"
    gain_at_init = 1.0

    def __init__(self, channels: int, *, window: int | None = None) -> None:
        super().__init__(channels, window=window)
        self.embed = nn.Parameter(torch.ones(channels, 1, 1))
        self.gain = nn.Parameter(torch.zeros(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        energy_BCHW = (total(x_BCHW.square(), self.window) + EPSILON).sqrt() * self.embed
        norm_B1HW = (energy_BCHW.square().mean(1, keepdim=True) + EPSILON).sqrt()
        gate_BCHW = 1 + (self.gain * energy_BCHW / norm_B1HW + self.bias).tanh()
        return x_BCHW * gate_BCHW.to(x_BCHW.dtype)
