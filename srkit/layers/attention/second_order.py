"""Second-order channel attention (SOCA): gates from how channels vary together.

Dai et al., "Second-order Attention Network for Single Image Super-Resolution" (SAN), CVPR 2019,
https://openaccess.thecvf.com/content_CVPR_2019/html/Dai_Second-Order_Attention_Network_for_Single_Image_Super-Resolution_CVPR_2019_paper.html.
The channels' covariance over all positions is normalised by its square root, found by five
Newton-Schulz iterations on the matrix divided by its trace; the means of its rows are what is
squeezed and excited.

With a window, cells of 8x8 pixels (or the window, where it is smaller) share the covariance of the
window around the cell: a tile of the map must start on that grid.
"""

# Shapes: B batch, C channels, H W height and width, Y X rows and columns of cells (1 and 1 for the
# whole image), K pixels of a cell's window.

import torch
from torch import Tensor

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.cells import grid_for, out_of_cells, windows_around
from srkit.layers.attention.excitation import Excitation

ITERATIONS = 5
# Beside the trace: a flat map has no variance to divide by.
EPSILON = 1e-5


class SecondOrderAttention(PoolingAttention):
    """Scale every channel by a gate computed from the covariances of all channels.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image; with a window half of it, and half a cell more.
    """

    category = "channel"
    gain_at_init = 0.5

    def __init__(self, channels: int, *, window: int | None = None, reduction: int = 8) -> None:
        super().__init__(channels, window=window)
        self.gate = Excitation(channels, reduction=reduction)
        self.grid = None if window is None else grid_for(window)
        if self.grid is not None:
            self.receptive_field = self.grid.radius
            self.size_multiple = self.grid.cell

    def forward(self, x_BCHW: Tensor) -> Tensor:
        if self.grid is None:
            pixels_BCYXK = x_BCHW.flatten(2)[:, :, None, None]
            inside = torch.ones_like(pixels_BCYXK[:1, :1])
        else:
            pixels_BCYXK, within = windows_around(x_BCHW, self.grid)
            inside = within.to(x_BCHW.dtype)
        root_BYXCC = square_root(covariance(pixels_BCYXK, inside))
        gate_BCYX = self.gate(root_BYXCC.mean(dim=-1).permute(0, 3, 1, 2).to(x_BCHW.dtype))
        if self.grid is not None:
            size = (x_BCHW.shape[2], x_BCHW.shape[3])
            gate_BCYX = out_of_cells(gate_BCYX[..., None], self.grid, size)
        gated_BCHW: Tensor = x_BCHW * gate_BCYX
        return gated_BCHW


def covariance(pixels_BCYXK: Tensor, inside: Tensor) -> Tensor:
    """Give the covariances of the channels over the pixels inside, (B, Y, X, C, C)."""
    pixels, inside = pixels_BCYXK.float(), inside.float()
    if pixels_BCYXK.dtype == torch.float64:
        pixels, inside = pixels_BCYXK, inside.double()
    count = inside.sum(dim=-1, keepdim=True)
    # Outside, pixels are zero already.
    centred = (pixels - pixels.sum(dim=-1, keepdim=True) / count) * inside
    rows_BYXCK = centred.permute(0, 2, 3, 1, 4)
    return rows_BYXCK @ rows_BYXCK.mT / count.permute(0, 2, 3, 1, 4)


def square_root(matrix: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Approximate the square root of positive semidefinite matrices (..., C, C)."""
    trace = matrix.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None] + EPSILON
    unit = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    root, inverse = matrix / trace, unit.expand_as(matrix)
    for _ in range(iterations):
        step = (3 * unit - inverse @ root) / 2
        root, inverse = root @ step, step @ inverse
    return root * trace.sqrt()
