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
    extremes = (torch.minimum, torch.maximum)
    padded = F.pad(lr_BKHW, (1, 1, 1, 1), mode="replicate")
    low, high = (_neighbours(padded, extreme) for extreme in extremes)
    on_pixels = scale % 2 == 1  # some centres are: those have the neighbours on both sides
    if on_pixels:
        repeated = (_repeated(low, scale), _repeated(high, scale))
        low, high = map(_neighbours, repeated, extremes)
    slack = room * (high - low)
    low, high = low - slack, high + slack
    if not on_pixels:
        low, high = _repeated(low, scale), _repeated(high, scale)
    # A value holds between the centres of four LR pixels: a square half a pixel off the grid.
    first = scale // 2
    rows = slice(first, first + enlarged_BKHW.shape[-2])
    columns = slice(first, first + enlarged_BKHW.shape[-1])
    return torch.clamp(enlarged_BKHW, low[..., rows, columns], high[..., rows, columns])


def _neighbours(x_BKHW: Tensor, extreme: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Give the largest, or smallest, of every 2x2 pixels: one row and one column less."""
    x = extreme(x_BKHW[..., 1:, :], x_BKHW[..., :-1, :])
    return extreme(x[..., 1:], x[..., :-1])


def _repeated(x_BKHW: Tensor, scale: int) -> Tensor:
    return F.interpolate(x_BKHW, scale_factor=float(scale), mode="nearest")
