"""Extend an image to the grid a network works on."""

# Shapes: B batch, C channels, H W height and width.

import torch.nn.functional as F
from torch import Tensor


def pad_to_multiple(x_BCHW: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column until both sides are multiples of a number.

    Shape: (B, C, H, W), any H and W >= 1 -> (B, C, H', W'), each rounded up.

    >>> import torch
    >>> pad_to_multiple(torch.ones(1, 1, 3, 4), 4).shape
    torch.Size([1, 1, 4, 4])
    """
    height, width = x_BCHW.shape[-2:]
    return F.pad(x_BCHW, (0, -width % multiple, 0, -height % multiple), mode="replicate")
