"""A convolution whose kernel is a mixture of several, different for each image.

Yang et al., "CondConv: Conditionally Parameterized Convolutions for Efficient Inference", NeurIPS
2019, https://arxiv.org/abs/1904.04971. Mixing kernels once an image is cheaper than mixing results.
Where the mixture differs from position to position, there is no such short cut: every expert
convolves, and the results are mixed, which is the same, as a convolution is linear in its kernel.
"""

# Shapes: B batch, E experts, C channels, H W height and width.

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ExpertConvolution(nn.Module):
    """Convolve with a mixture of 3x3 kernels.

    Shape: (B, C, H, W) and weights (B, E, 1, 1) or (B, E, H, W) -> (B, C, H, W).
    Receptive field: 1.
    """

    def __init__(self, channels: int, experts: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(experts, channels, channels, 3, 3))
        self.bias = nn.Parameter(torch.empty(experts, channels))
        # As torch starts a convolution.
        bound = 1 / math.sqrt(9 * channels)
        nn.init.uniform_(self.weight, -bound, bound)
        nn.init.uniform_(self.bias, -bound, bound)

    def forward(self, x_BCHW: Tensor, weights_BEHW: Tensor) -> Tensor:
        experts = len(self.weight)
        if weights_BEHW.shape[2:] == (1, 1):
            return self._mixed_kernels(x_BCHW, weights_BEHW[:, :, 0, 0])
        made = F.conv2d(x_BCHW, self.weight.flatten(0, 1), self.bias.flatten(), padding=1)
        return (made.unflatten(1, (experts, -1)) * weights_BEHW[:, :, None]).sum(1)

    def _mixed_kernels(self, x_BCHW: Tensor, weights_BE: Tensor) -> Tensor:
        kernels = torch.einsum("be,eoihw->boihw", weights_BE, self.weight).flatten(0, 1)
        # The images become groups of channels, each with kernels of its own.
        made = F.conv2d(
            x_BCHW.flatten(0, 1)[None],
            kernels,
            (weights_BE @ self.bias).flatten(),
            padding=1,
            groups=len(x_BCHW),
        )
        return made.view_as(x_BCHW)
