"""Position biases for attention: CMT's absolute one, and one that fits maps of any size."""

# Shapes: D heads, h w size of the keys, R reach.

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.blocks.reduced_attention import PositionBias


class AbsoluteBias(PositionBias):
    """A number for each head, query and key: the paper's, for maps of one size only.

    The blocks of one of the paper's stages share one; without windows its size is that of the map,
    with windows that of a window.
    """

    def __init__(self, heads: int, *, size: tuple[int, int], reduction: int) -> None:
        super().__init__()
        self.size = size
        self.keys = (size[0] // reduction, size[1] // reduction)
        keys = self.keys[0] * self.keys[1]
        self.bias = nn.Parameter(torch.randn(heads, size[0] * size[1], keys))

    def forward(self, rows: range, width: int, keys: tuple[int, int]) -> Tensor:
        if keys != self.keys or width != self.size[1]:
            raise ConfigError(
                f"this position bias is for maps of {self.size[0]} x {self.size[1]} only",
                hint="a RelativeBias takes any size",
            )
        return self.bias[None, :, rows.start * width : rows.stop * width]


class RelativeBias(PositionBias):
    """A number for each head and offset between query and key, for maps of any size.

    Convention
        The offset is counted in the queries' pixels, from the first pixel of the key's cell to the
        query, down and to the right. Offsets beyond the `reach` count as the reach.
    """

    def __init__(self, heads: int, *, reduction: int, reach: int = 8) -> None:
        super().__init__()
        self.reduction = reduction
        self.reach = reach
        self.bias = nn.Parameter(torch.zeros(heads, 2 * reach + 1, 2 * reach + 1))

    def forward(self, rows: range, width: int, keys: tuple[int, int]) -> Tensor:
        down = self._offsets(rows, keys[0])[:, None, :, None]
        across = self._offsets(range(width), keys[1])[None, :, None, :]
        return self.bias[:, down, across].flatten(3, 4).flatten(1, 2)[None]

    def _offsets(self, queries: range, cells: int) -> Tensor:
        device = self.bias.device
        query = torch.arange(queries.start, queries.stop, device=device)
        cell = torch.arange(cells, device=device) * self.reduction
        return (query[:, None] - cell).clamp(-self.reach, self.reach) + self.reach
