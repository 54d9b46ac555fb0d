"""Squeeze-and-excitation (SE) channel attention.

Hu, Shen, Sun, "Squeeze-and-Excitation Networks", CVPR 2018, https://arxiv.org/abs/1709.01507.
In super-resolution it is RCAN's channel attention (Zhang et al., ECCV 2018). Both layers have a
bias, as in most code. `least_hidden` is ours: the paper's reduction of 16 suits hundreds of
channels and leaves a narrow network one or two hidden units; a larger floor can be asked for.
"""

# Shapes: B batch, C channels, H W height and width.

from torch import Tensor, nn

from srkit.layers.layer import Layer


class SqueezeExcitation(Layer):
    """Scale every channel by a gate computed from the means of all channels.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because the means are taken over it.
    """

    receptive_field = None

    def __init__(self, channels: int, *, reduction: int = 16, least_hidden: int = 1) -> None:
        super().__init__()
        hidden = max(channels // reduction, least_hidden)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        mean_BC11 = x_BCHW.mean(dim=(2, 3), keepdim=True)
        gate_BC11 = self.excite(self.squeeze(mean_BC11).relu()).sigmoid()
        return x_BCHW * gate_BC11
