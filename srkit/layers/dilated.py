"""A dilated convolution whose weights get the right gradient in bfloat16 on a processor.

There oneDNN's gradient of a dilated kernel is wrong for channels-last maps of more than about 24
pixels a side (torch 2.14 with AVX512-BF16: zeros and infinities), while the result and the gradient
of the input are right. Until that is mended such a kernel is trained in float32.
"""

# Shapes: B batch, C channels, H W height and width.

import torch
from torch import Tensor, nn

from srkit.layers.precision import autocast_on_processor


class DilatedConv2d(nn.Conv2d):
    """torch's convolution, in float32 where autocast on a processor would spoil its gradient.

    Shape: (B, C, H, W) in, as `torch.nn.Conv2d` gives.
    Receptive field: the kernel's reach times the dilation.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not autocast_on_processor(input):
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            return super().forward(input.float())
