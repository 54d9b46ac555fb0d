"""Cut a map into cells, each with the window around it, for what is too costly pixel by pixel.

Convention
    Cells are squares of a few pixels, from the top left. All pixels of a cell share one window: the
    cell and `reach` pixels on each side of it; outside the image there is nothing (`inside` is
    False there). So the map is worked on in a grid, and a tile of it must start on the grid.
"""

# Shapes: B batch, C channels, H W height and width, Y X rows and columns of cells, S pixels of the
# cell or window.

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST_CELL = 8


class Grid(NamedTuple):
    """The side of the cells and how far their windows reach beyond them."""

    cell: int
    reach: int

    @property
    def radius(self) -> int:
        """How far a pixel can see: from one edge of its cell to the far end of the window."""
        return self.reach + self.cell - 1


def grid_for(window: int) -> Grid:
    """Give the grid whose windows are of the side asked for, or one less.

    >>> grid_for(48), grid_for(5)
    (Grid(cell=8, reach=20), Grid(cell=5, reach=0))
    """
    cell = min(LARGEST_CELL, window)
    return Grid(cell, (window - cell) // 2)


def into_cells(x_BCHW: Tensor, grid: Grid) -> Tensor:
    """Give the pixels of every cell, (B, C, Y, X, S); the last cells are filled up with zeros."""
    return _cut(_filled(x_BCHW, grid.cell), grid.cell, grid.cell)


def windows_around(x_BCHW: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    """Give the pixels of every cell's window, (B, C, Y, X, S), and whether they are inside."""
    # Beyond the map there is nothing to see.
    reach = min(grid.reach, max(x_BCHW.shape[-2:]))
    around = [reach] * 4
    side = grid.cell + 2 * reach
    ones = torch.ones_like(x_BCHW[:1, :1])
    inside = _cut(F.pad(_filled(ones, grid.cell), around), side, grid.cell) > 0
    return _cut(F.pad(_filled(x_BCHW, grid.cell), around), side, grid.cell), inside


def out_of_cells(cells_BCYXS: Tensor, grid: Grid, size: tuple[int, int]) -> Tensor:
    """Put cells together to a map of (height, width); the inverse of `into_cells`.

    A single value a cell is repeated all over it.
    """
    pixels = grid.cell * grid.cell
    cells = cells_BCYXS.expand(*cells_BCYXS.shape[:-1], pixels).unflatten(-1, (grid.cell, -1))
    whole = cells.transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return whole[..., : size[0], : size[1]]


def _filled(x_BCHW: Tensor, cell: int) -> Tensor:
    height, width = x_BCHW.shape[-2:]
    return F.pad(x_BCHW, (0, -width % cell, 0, -height % cell))


def _cut(x_BCHW: Tensor, side: int, step: int) -> Tensor:
    return x_BCHW.unfold(2, side, step).unfold(3, side, step).flatten(4)
