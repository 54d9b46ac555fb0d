"""First weights for deep chains of convolutions, in which torch's own let the signal die away.

He et al., "Delving Deep into Rectifiers", ICCV 2015, https://arxiv.org/abs/1502.01852.
"""

from torch import nn


def initialise(module: nn.Module, *, slope: float = 0.0) -> None:
    """Draw the kernels of all convolutions for (leaky) ReLUs of this slope; biases become 0."""
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(layer.weight, a=slope)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def silence(layer: nn.Conv2d) -> None:
    """Let a convolution give zeros, so that what it is added to is where training starts."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
