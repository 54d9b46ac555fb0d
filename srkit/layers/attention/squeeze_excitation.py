"""Squeeze-and-excitation (SE) channel attention.

Hu, Shen, Sun, "Squeeze-and-Excitation Networks", CVPR 2018, https://arxiv.org/abs/1709.01507.
In super-resolution it is RCAN's channel attention (Zhang et al., ECCV 2018). Both layers have a
bias, as in most code; `bias=False` is the paper's count. `least_hidden` is ours: the paper's
reduction of 16 suits hundreds of channels and leaves a narrow network one or two hidden units; a
larger floor can be asked for. `hard` is MobileNetV3's and GhostNet's straight line for a sigmoid.
"""

# Shapes: B batch, C channels, H W height and width.

from torch import Tensor

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.excitation import Excitation
from srkit.layers.attention.pooling import mean


class SqueezeExcitation(PoolingAttention):
    """Scale every channel by a gate computed from the means of all channels.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because the means are taken over it; or half the window.
    """

    category = "channel"
    gain_at_init = 0.5

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        least_hidden: int = 1,
        bias: bool = True,
        hard: bool = False,
    ) -> None:
        super().__init__(channels, window=window)
        self.gate = Excitation(
            channels, reduction=reduction, least_hidden=least_hidden, bias=bias, hard=hard
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        gated_BCHW: Tensor = x_BCHW * self.gate(mean(x_BCHW, self.window))
        return gated_BCHW
