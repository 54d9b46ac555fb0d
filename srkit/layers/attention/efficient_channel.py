"""Efficient channel attention (ECA).

Wang et al., "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks",
CVPR 2020, https://arxiv.org/abs/1910.03151. The kernel follows the paper's rule with gamma 2 and
b 1: 3 taps up to 127 channels, 5 up to 2,047, and so on. The published ResNets do not quite: their
kernels were set by hand, and "80 parameters more than ResNet-50" is theirs, where the rule gives
86; `PUBLISHED_KERNEL_SIZES` has them.
"""

# Shapes: B batch, C channels, H W height and width, P pooled positions (1, or H * W in windows).

import math

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import mean

PUBLISHED_KERNEL_SIZES = {
    "resnet18": (3, 5, 7, 7),
    "resnet34": (3, 3, 5, 7),
    "resnet50": (3, 5, 5, 7),
    "resnet101": (3, 3, 5, 7),
    "resnet152": (3, 3, 5, 7),
}
"""The kernel of each of the four stages, by network."""


def kernel_size_for(channels: int) -> int:
    """Give the paper's odd kernel size for a width, at least 3.

    >>> [kernel_size_for(c) for c in (16, 64, 128, 1024, 2048)]
    [3, 3, 5, 5, 7]
    """
    taps = int(abs(math.log2(channels) + 1) / 2)
    return max(3, taps if taps % 2 else taps + 1)


class EfficientChannelAttention(PoolingAttention):
    """Scale every channel by a gate computed from its neighbouring channels' means.

    With `shared=False` every channel has taps of its own, the paper's ECA-NS.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because the means are taken over it; or half the window.
    Raises: ConfigError when the kernel size is even or not positive.
    """

    category = "channel"
    gain_at_init = 0.5

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        kernel_size: int | None = None,
        shared: bool = True,
    ) -> None:
        super().__init__(channels, window=window)
        taps = kernel_size_for(channels) if kernel_size is None else kernel_size
        if taps < 1 or taps % 2 == 0:
            raise ConfigError(f"kernel_size must be odd and positive, got {taps}")
        self.shared = shared
        # One row of taps, or one a channel: a convolution's shape, so that it starts as one does.
        self.mix = nn.Conv1d(1, 1 if shared else channels, taps, padding=taps // 2, bias=False)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        mean_BCHW = mean(x_BCHW, self.window)
        mean_BPC = mean_BCHW.flatten(2).transpose(1, 2)
        gate_BCP = self._mixed(mean_BPC).sigmoid()
        return x_BCHW * gate_BCP.unflatten(2, mean_BCHW.shape[2:])

    def _mixed(self, mean_BPC: Tensor) -> Tensor:
        batch, positions = mean_BPC.shape[:2]
        if self.shared:
            mixed = self.mix(mean_BPC.flatten(0, 1)[:, None])[:, 0]
            return mixed.unflatten(0, (batch, positions)).transpose(1, 2)
        taps = self.mix.weight[:, 0]
        padded = F.pad(mean_BPC, (taps.shape[1] // 2, taps.shape[1] // 2))
        # Channel c meets the taps of c, laid over c's neighbours.
        return (padded.unfold(2, taps.shape[1], 1) * taps).sum(3).transpose(1, 2)
