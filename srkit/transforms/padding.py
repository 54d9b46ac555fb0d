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


def mirror_borders(x_BCHW: Tensor, before: int, after: int) -> Tensor:
    """Continue an image beyond its borders by its mirror image, the last row and column twice.

    So MATLAB's `imresize` sees an image. `before` is above and to the left, `after` below and to
    the right; either may be larger than the image.

    Shape: (B, C, H, W), any H and W >= 1 -> (B, C, before + H + after, before + W + after).

    >>> import torch
    >>> mirror_borders(torch.arange(3.0).view(1, 1, 1, 3), 2, 1)[0, 0, 0].tolist()
    [1.0, 0.0, 0.0, 1.0, 2.0, 2.0]
    """
    for axis in (-2, -1):
        side = x_BCHW.shape[axis]
        places = torch.arange(-before, side + after, device=x_BCHW.device) % (2 * side)
        x_BCHW = x_BCHW.index_select(axis, torch.minimum(places, 2 * side - 1 - places))
    return x_BCHW
