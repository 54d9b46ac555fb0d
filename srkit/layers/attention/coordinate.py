"""Coordinate attention: one gate for the row, one for the column.

Hou, Zhou, Feng, "Coordinate Attention for Efficient Mobile Network Design", CVPR 2021,
https://arxiv.org/abs/2103.02907. Means along rows and along columns go through the same layer, then
through one each. The paper normalises the batch behind the first (`norm="bn"`). With a window, the
means are taken along a part of the row and column around each position.
"""

# Shapes: B batch, C channels, N hidden channels, H W height and width.

import torch
from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import mean
from srkit.layers.norm import create_norm


class CoordinateAttention(PoolingAttention):
    """Scale every pixel by a gate of its row and a gate of its column.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole row and column; or half the window.
    """

    category = "channel and spatial"
    gain_at_init = 0.25

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 32,
        least_hidden: int = 8,
        norm: str = "none",
    ) -> None:
        super().__init__(channels, window=window)
        hidden = max(channels // reduction, least_hidden)
        self.squeeze = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=norm == "none"),
            create_norm(norm, hidden),
            nn.Hardswish(),
        )
        self.of_row = nn.Conv2d(hidden, channels, 1)
        self.of_column = nn.Conv2d(hidden, channels, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        rows, columns = mean(x_BCHW, self.window, (3,)), mean(x_BCHW, self.window, (2,))
        # Side by side, so that a normalisation sees both; each keeps the shape its pooling left it.
        squeezed = self.squeeze(torch.cat((rows.flatten(2), columns.flatten(2)), 2)[..., None])
        of_rows, of_columns = squeezed[..., 0].split((rows[0, 0].numel(), columns[0, 0].numel()), 2)
        row_gate = self.of_row(of_rows.unflatten(2, rows.shape[2:])).sigmoid()
        column_gate = self.of_column(of_columns.unflatten(2, columns.shape[2:])).sigmoid()
        gated_BCHW: Tensor = x_BCHW * row_gate * column_gate
        return gated_BCHW
