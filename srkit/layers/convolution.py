"""A convolution with what papers put behind it: a normalisation and a (leaky) ReLU."""

from torch import nn

from srkit.layers.dilated import DilatedConv2d
from srkit.layers.norm import create_norm


def convolution(
    channels: int,
    out_channels: int,
    kernel_size: int = 1,
    *,
    norm: str = "none",
    slope: float | None = None,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> nn.Sequential:
    """Build a convolution that keeps the size, with what the papers put behind it.

    It has a bias where no normalisation follows. `slope` is that of the leaky ReLU behind it: 0 for
    a plain ReLU, None for none.
    """
    kind = nn.Conv2d if dilation == 1 else DilatedConv2d
    layers = [
        kind(
            channels,
            out_channels,
            kernel_size,
            stride=stride,
            padding=dilation * (kernel_size // 2),
            dilation=dilation,
            groups=groups,
            bias=norm == "none",
        ),
        create_norm(norm, out_channels),
    ]
    if slope is not None:
        layers.append(nn.LeakyReLU(slope))
    return nn.Sequential(*layers)
