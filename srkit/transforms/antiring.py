"""Keep an enlarged image from ringing: no pixel leaves the span of those it lies between by much.

What a network has learnt of shrunk photographs it also does to drawings, text and windows, whose
edges are harder: it leaves faint echoes beside them, on what was one flat colour. Video players
take such echoes from their scalers by clamping every result to the four source pixels around it
(libplacebo's and mpv's *antiring*, https://github.com/haasn/libplacebo). A sharper image than a
scaler's needs more room than that, so the span may be widened by a multiple of its own length: none
where the four are alike, so that flat colours stay flat, whatever is around them.
"""

# Shapes: B batch, K image channels, H W size of the LR image, s scale.

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def antiring(enlarged_BKHW: Tensor, lr_BKHW: Tensor, *, scale: int, room: float) -> Tensor:
    """Clamp every pixel to the span of the four LR pixels around its centre, widened.

    `room` is how far it may go beyond either end, in lengths of the span; 0 = not at all. Beyond
    the border the last pixels repeat. A pixel whose centre is an LR pixel's row or column, as odd
    scales have them, lies between both neighbours.

    Shape: (B, K, s*H, s*W), (B, K, H, W), any H and W >= 1 -> (B, K, s*H, s*W).
    """
    most = _between(lr_BKHW, torch.maximum, scale)
    least = _between(lr_BKHW, torch.minimum, scale)
    slack = room * (most - least)
    return torch.minimum(torch.maximum(enlarged_BKHW, least - slack), most + slack)


def _between(lr_BKHW: Tensor, extreme: Callable[[Tensor, Tensor], Tensor], scale: int) -> Tensor:
    """Give at every enlarged pixel the largest, or smallest, of the LR pixels around it."""
    x = F.pad(lr_BKHW, (1, 1, 1, 1), mode="replicate")
    x = extreme(x[..., 1:, :], x[..., :-1, :])
    x = extreme(x[..., 1:], x[..., :-1])
    # Every value holds between the centres of four LR pixels: a square half a pixel off the grid.
    x = F.interpolate(x, scale_factor=float(scale), mode="nearest")
    before, after = scale // 2, scale - scale // 2
    if scale % 2:
        x = extreme(x[..., 1:, :], x[..., :-1, :])
        x = extreme(x[..., 1:], x[..., :-1])
        after -= 1
    return x[..., before:-after, before:-after]
