"""Efficient channel attention (ECA).

Wang et al., "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks",
CVPR 2020, https://arxiv.org/abs/1910.03151. The kernel follows the paper's rule with gamma 2 and
b 1: 3 taps up to 127 channels, 5 up to 2,047, and so on. The published ResNets do not quite: their
kernels were set by hand, and "80 parameters more than ResNet-50" is theirs, where the rule gives
86; `PUBLISHED_KERNEL_SIZES` has them.
"""

# Shapes: B batch, C channels, H W height and width, O rows of K taps: 1 or C.

import math

import torch
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

    With `shared=False` every channel has taps of its own, the paper's ECA-NS. With `bias=True`
    one number more is learnt for each row of taps; the paper has none, a Keras layer does.

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
        bias: bool = False,
    ) -> None:
        super().__init__(channels, window=window)
        taps = kernel_size_for(channels) if kernel_size is None else kernel_size
        if taps < 1 or taps % 2 == 0:
            raise ConfigError(f"kernel_size must be odd and positive, got {taps}")
        # One row of taps, or one a channel: a convolution's, so that they start as its do.
        self.mix = nn.Conv1d(1, 1 if shared else channels, taps, bias=bias)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        mean_BCHW = mean(x_BCHW, self.window)
        taps_OK11 = self.mix.weight[:, 0, :, None, None]
        around = taps_OK11.shape[1] // 2
        padded = F.pad(mean_BCHW, (0, 0, 0, 0, around, around))
        # Shifted sums: a convolution along the channels is slow where there are many positions.
        logits_BCHW = torch.zeros_like(mean_BCHW)
        for tap in range(taps_OK11.shape[1]):
            neighbour_BCHW = padded[:, tap : tap + self.channels]
            logits_BCHW = logits_BCHW + taps_OK11[:, tap] * neighbour_BCHW
        if self.mix.bias is not None:
            logits_BCHW = logits_BCHW + self.mix.bias[:, None, None]
        return x_BCHW * logits_BCHW.sigmoid()
