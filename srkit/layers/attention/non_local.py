"""Non-local attention: every position is answered by a softmax mean of all others.

Wang et al., "Non-local Neural Networks", CVPR 2018, https://arxiv.org/abs/1711.07971; the embedded
Gaussian form with its residual connection. The last layer starts at zero, so a new block is the
identity; the paper has a batch normalisation behind it (`norm="bn"`), whose scale starts at zero
instead.

With a window, cells of 8x8 pixels (or the window, where it is smaller) are answered by the window
around the cell: a tile of the map must start on that grid.
"""

# Shapes: B batch, C channels, N inner channels, H W height and width, Y X rows and columns of
# cells, S pixels of a cell, K pixels of its window.

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.cells import Grid, grid_for, into_cells, out_of_cells, windows_around
from srkit.layers.norm import create_norm


class NonLocalAttention(PoolingAttention):
    """Add to every position a mean of all positions, weighted by how alike they are.

    `scale` multiplies the similarities before the softmax; the paper has none.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image; with a window half of it, and half a cell more.
    """

    category = "spatial"
    gain_at_init = 1.0

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 2,
        scale: float = 1.0,
        norm: str = "none",
    ) -> None:
        super().__init__(channels, window=window)
        inner = max(channels // reduction, 1)
        self.scale = scale
        self.query = nn.Conv2d(channels, inner, 1)
        self.key = nn.Conv2d(channels, inner, 1)
        self.value = nn.Conv2d(channels, inner, 1)
        self.leave = nn.Conv2d(inner, channels, 1)
        self.norm = create_norm(norm, channels)
        for start in (self.leave if norm == "none" else self.norm).parameters():
            nn.init.zeros_(start)
        self.grid = None if window is None else grid_for(window)
        if self.grid is not None:
            self.receptive_field = self.grid.radius
            self.size_multiple = self.grid.cell

    def forward(self, x_BCHW: Tensor) -> Tensor:
        query, key, value = self.query(x_BCHW), self.key(x_BCHW), self.value(x_BCHW)
        if self.grid is None:
            answer_BNHW = self._everywhere(query, key, value)
        else:
            answer_BNHW = self._around(query, key, value, self.grid)
        changed_BCHW: Tensor = x_BCHW + self.norm(self.leave(answer_BNHW))
        return changed_BCHW

    def _everywhere(self, query_BNHW: Tensor, key_BNHW: Tensor, value_BNHW: Tensor) -> Tensor:
        # Contiguous: torch's fast path is eight times slower without.
        query, key, value = (
            x.flatten(2).mT.contiguous()[:, None] for x in (query_BNHW, key_BNHW, value_BNHW)
        )
        answer = F.scaled_dot_product_attention(query, key, value, scale=self.scale)
        return answer[:, 0].mT.unflatten(2, query_BNHW.shape[2:])

    def _around(
        self, query_BNHW: Tensor, key_BNHW: Tensor, value_BNHW: Tensor, grid: Grid
    ) -> Tensor:
        query_BNYXS = into_cells(query_BNHW, grid)
        key_BNYXK, inside = windows_around(key_BNHW, grid)
        value_BNYXK, _ = windows_around(value_BNHW, grid)
        alike = torch.einsum("bnyxs,bnyxk->byxsk", query_BNYXS, key_BNYXK) * self.scale
        weights = alike.masked_fill(~inside[:, 0, :, :, None], -torch.inf).softmax(dim=-1)
        answer_BNYXS = torch.einsum("byxsk,bnyxk->bnyxs", weights, value_BNYXK)
        return out_of_cells(answer_BNYXS, grid, (query_BNHW.shape[2], query_BNHW.shape[3]))
