"""Efficient channel attention (ECA).

Wang et al., "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks",
CVPR 2020, https://arxiv.org/abs/1910.03151. The kernel follows the paper's rule with gamma 2 and
b 1: 3 taps up to 127 channels, 5 up to 2,047, and so on.
"""

# Shapes: B batch, C channels, H W height and width.

import math

from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.layer import Layer


def kernel_size_for(channels: int) -> int:
    """Give the paper's odd kernel size for a width, at least 3.

    >>> [kernel_size_for(c) for c in (16, 64, 128, 1024, 2048)]
    [3, 3, 5, 5, 7]
    """
    taps = int(abs(math.log2(channels) + 1) / 2)
    return max(3, taps if taps % 2 else taps + 1)


class EfficientChannelAttention(Layer):
    """Scale every channel by a gate computed from its neighbouring channels' means.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because the means are taken over it.
    Raises: ConfigError when the kernel size is even or not positive.
    """

    receptive_field = None

    def __init__(self, channels: int, *, kernel_size: int | None = None) -> None:
        super().__init__()
        taps = kernel_size_for(channels) if kernel_size is None else kernel_size
        if taps < 1 or taps % 2 == 0:
            raise ConfigError(f"kernel_size must be odd and positive, got {taps}")
        self.mix = nn.Conv1d(1, 1, taps, padding=taps // 2, bias=False)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        mean_BC = x_BCHW.mean(dim=(2, 3))
        gate_BC = self.mix(mean_BC[:, None])[:, 0].sigmoid()
        return x_BCHW * gate_BC[:, :, None, None]
