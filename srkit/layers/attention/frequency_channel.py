"""Frequency channel attention (FCA): squeeze-and-excitation with more than the lowest frequency.

Qin et al., "FcaNet: Frequency Channel Attention Networks", ICCV 2021,
https://arxiv.org/abs/2012.11879. A mean is the lowest frequency of a cosine transform. Here the
channels are split into 16 groups, each summed up with a basis of its own: the 16 of a grid of 7x7
frequencies that the paper found best ("top16"). Maps are first averaged to a grid of 7x7 cells, as
the code does where a map is not of the size it was made for; the paper has 56, 28 and 14 for the
earlier stages of a classifier (`grid=`), with frequencies so many times higher.

With a window, the cells are those of the window's part inside the image. Fewer groups are made
where 16 does not divide the channels.
"""

# Shapes: B batch, C channels, H W height and width, P pooled positions, L length of a side, G grid.

import math

import torch
from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.excitation import Excitation

# (vertical, horizontal) frequencies on the grid of 7x7, best first.
BEST_FREQUENCIES = (
    *((0, 0), (0, 1), (6, 0), (0, 5), (0, 2), (1, 0), (1, 2), (4, 0)),
    *((5, 0), (1, 6), (3, 0), (0, 4), (0, 6), (0, 3), (3, 5), (2, 2)),
)
SPECTRUM = 7


class FrequencyChannelAttention(PoolingAttention):
    """Scale every channel by a gate computed from a frequency of each channel.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because it is transformed; or half the window.
    Raises: ConfigError when the grid is no multiple of 7.
    """

    category = "channel"
    gain_at_init = 0.5

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        frequencies: int = 16,
        grid: int = SPECTRUM,
    ) -> None:
        super().__init__(channels, window=window)
        if grid < SPECTRUM or grid % SPECTRUM:
            raise ConfigError(f"grid must be a multiple of {SPECTRUM}, got {grid}")
        if not 1 <= frequencies <= len(BEST_FREQUENCIES):
            raise ConfigError(
                f"frequencies must be from 1 to {len(BEST_FREQUENCIES)}, got {frequencies}"
            )
        groups = math.gcd(channels, frequencies)
        self.grid = grid
        self.frequencies = [
            BEST_FREQUENCIES[group] for group in range(groups) for _ in range(channels // groups)
        ]
        self.gate = Excitation(channels, reduction=reduction, bias=False)

    def spectrum(self, x_BCHW: Tensor) -> Tensor:
        """Give each channel's frequency, (B, C, 1, 1), or that of each position's window."""
        rows_CPH = self._bases(x_BCHW, 2)[[row for row, _ in self.frequencies]]
        columns_CPW = self._bases(x_BCHW, 3)[[column for _, column in self.frequencies]]
        return rows_CPH @ x_BCHW @ columns_CPW.transpose(1, 2)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        gated_BCHW: Tensor = x_BCHW * self.gate(self.spectrum(x_BCHW))
        return gated_BCHW

    def _bases(self, x_BCHW: Tensor, dim: int) -> Tensor:
        """Give each frequency's weights for the pixels of one axis, (frequency, P, L)."""
        cells_PGL = cell_weights(x_BCHW.shape[dim], self.grid, self.window)
        times = self.grid // SPECTRUM
        waves = torch.stack([cosine(frequency * times, self.grid) for frequency in range(SPECTRUM)])
        return torch.einsum("fg,pgl->fpl", waves, cells_PGL).to(x_BCHW)


def cosine(frequency: int, length: int) -> Tensor:
    """Give one basis function of the orthonormal cosine transform (DCT-II), in float64.

    >>> bool(torch.isclose(cosine(3, 7).square().sum(), torch.tensor(1.0).double()))
    True
    """
    middles = torch.arange(length, dtype=torch.float64) + 0.5
    wave = (math.pi * frequency * middles / length).cos() * math.sqrt(1 / length)
    return wave if frequency == 0 else wave * math.sqrt(2)


def cell_weights(length: int, grid: int, window: int | None) -> Tensor:
    """Give the weights that average an axis, or each position's window of it, to so many cells.

    Cell g of n pixels goes from floor(g n / grid) to ceil((g + 1) n / grid), as adaptive pooling
    has it.

    >>> cell_weights(4, 2, None).tolist()
    [[[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]]
    """
    if window is None:
        first, after = torch.tensor([0]), torch.tensor([length])
    else:
        position = torch.arange(length)
        first = (position - window // 2).clamp(min=0)
        after = (position + (window - 1) // 2 + 1).clamp(max=length)
    pixels, cell = (after - first)[:, None], torch.arange(grid)
    start_PG1 = (first[:, None] + cell * pixels // grid)[:, :, None]
    end_PG1 = (first[:, None] - (-(cell + 1) * pixels // grid))[:, :, None]
    here = torch.arange(length)
    inside_PGL = (start_PG1 <= here) & (here < end_PG1)
    return inside_PGL.double() / (end_PG1 - start_PG1)
