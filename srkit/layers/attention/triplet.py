"""Triplet attention: three gates, each blind to one of channel, height and width.

Misra et al., "Rotate to Attend: Convolutional Triplet Attention Module", WACV 2021,
https://arxiv.org/abs/2010.03045. The maximum and mean over one axis are convolved with a 7x7 kernel
over the other two; the three gated maps are averaged. With a window, rows and columns are pooled
around each position, and each pooled place is convolved by itself.
The paper normalises the batch behind the convolutions (`norm="bn"`); ours have a bias instead.
"""

# Shapes: B batch, C channels, H W height and width.

import torch
from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import maximum, mean
from srkit.layers.norm import create_norm

KERNEL = 7
CHANNELS, ROWS, COLUMNS = 1, 2, 3


class TripletAttention(PoolingAttention):
    """Average three maps, gated by what channels, rows and columns look like without each other.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, along its axes; or half the window, and no less than 3.
    """

    category = "channel and spatial"
    gain_at_init = 0.5

    def __init__(self, channels: int, *, window: int | None = None, norm: str = "none") -> None:
        super().__init__(channels, window=window)
        self.without_rows = _Gate(ROWS, window, norm)
        self.without_columns = _Gate(COLUMNS, window, norm)
        self.without_channels = _Gate(CHANNELS, None, norm)
        if self.receptive_field is not None:
            self.receptive_field = max(self.receptive_field, KERNEL // 2)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        gates = (gate(x_BCHW) for gate in (self.without_rows, self.without_columns))
        return x_BCHW * sum(gates, start=self.without_channels(x_BCHW)) / 3


class _Gate(nn.Module):
    """Pool one axis; convolve over the two others, at each place of the pooled one by itself."""

    def __init__(self, dim: int, window: int | None, norm: str) -> None:
        super().__init__()
        self.dim = dim
        self.window = window
        self.convolve = nn.Conv2d(2, 1, KERNEL, padding=KERNEL // 2, bias=norm == "none")
        self.norm = create_norm(norm, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        pooled = [pool(x_BCHW, self.window, (self.dim,)) for pool in (maximum, mean)]
        # The pooled axis stands beside the batch: it has one place, or all in windows.
        faces = torch.stack(pooled, dim=1).movedim(self.dim + 1, 1)
        made = self.norm(self.convolve(faces.flatten(0, 1)))
        gate = made[:, 0].unflatten(0, faces.shape[:2]).movedim(1, self.dim)
        return gate.sigmoid()
