"""A convolution that pads as TensorFlow and Keras do where they say `padding="same"`.

Convention
    A side of n pixels becomes ceil(n / stride). What is missing for that is padded with zeros, half
    of it on either side, and the odd one at the bottom and at the right. So a kernel of 3 with a
    stride of 2 sees no zero above an image of even height, where torch's `padding=1` has a row.
"""

# Shapes: B batch, C channels in, D channels out, H W height and width, h w of the result.

import torch.nn.functional as F
from torch import Tensor, nn


class SameConvolution(nn.Conv2d):
    """Convolve with a square kernel, without a bias.

    Shape: (B, C, H, W) -> (B, D, ceil(H / stride), ceil(W / stride)).
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int = 1
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride=stride, bias=False)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        above, below = missing(x_BCHW.shape[-2], kernel, stride)
        left, right = missing(x_BCHW.shape[-1], kernel, stride)
        # The convolution itself pads both sides alike, without a copy.
        if (above, left) != (below, right):
            x_BCHW = F.pad(x_BCHW, (0, right - left, 0, below - above))
        return F.conv2d(x_BCHW, self.weight, None, self.stride, (above, left))


def missing(side: int, kernel_size: int, stride: int) -> tuple[int, int]:
    """Give how many zeros belong before and behind a side.

    >>> missing(90, 3, 2), missing(45, 3, 2), missing(90, 3, 1), missing(90, 1, 2)
    ((0, 1), (1, 1), (1, 1), (0, 0))
    """
    total = max(0, (-(-side // stride) - 1) * stride + kernel_size - side)
    return total // 2, total - total // 2
