"""Extend an image to the grid a network works on."""

# Shapes: B batch, C channels, H W height and width.

import torch
import torch.nn.functional as F
from torch import Tensor


def pad_to_multiple(x_BCHW: Tensor, multiple: int) -> Tensor:
    """Repeat the last row and column until both sides are multiples of a number.

    Shape: (B, C, H, W), any H and W >= 1 -> (B, C, H', W'), each rounded up.

    >>> pad_to_multiple(torch.ones(1, 1, 3, 4), 4).shape
    torch.Size([1, 1, 4, 4])
    """
    right, bottom = (-side % multiple for side in (x_BCHW.shape[-1], x_BCHW.shape[-2]))
    # Extending by nothing would copy the features, and torch.compile fails on its gradient where
    # they lie channels last. A graph that is exported takes other sizes than it was made with.
    if not (right or bottom or torch.compiler.is_exporting()):
        return x_BCHW
    return F.pad(x_BCHW, (0, right, 0, bottom), mode="replicate")
