"""Strip pooling: a gate from long narrow strips of the image.

Hou et al., "Strip Pooling: Rethinking Spatial Pooling for Scene Parsing", CVPR 2020,
https://arxiv.org/abs/2003.13328. Means of the rows are convolved over three rows, those of the
columns over three columns; their sum, through a ReLU and a layer, gates the map. The paper
normalises the batch behind both (`norm="bn"`). With a window, a strip is the part of the row or
column around each position.
"""

# Shapes: B batch, C channels, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import mean
from srkit.layers.norm import create_norm


class StripPooling(PoolingAttention):
    """Scale every pixel by a gate computed from its row and column and the ones beside them.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the rows and columns; or half the window, and no less than 1.
    """

    category = "channel and spatial"
    gain_at_init = 0.5

    def __init__(self, channels: int, *, window: int | None = None, norm: str = "none") -> None:
        super().__init__(channels, window=window)
        bias = norm == "none"
        self.rows = nn.Sequential(
            nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), bias=bias),
            create_norm(norm, channels),
        )
        self.columns = nn.Sequential(
            nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), bias=bias),
            create_norm(norm, channels),
        )
        self.mix = nn.Conv2d(channels, channels, 1)
        if self.receptive_field is not None:
            self.receptive_field = max(self.receptive_field, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        rows = self.rows(mean(x_BCHW, self.window, (3,)))
        columns = self.columns(mean(x_BCHW, self.window, (2,)))
        gated_BCHW: Tensor = x_BCHW * self.mix((rows + columns).relu()).sigmoid()
        return gated_BCHW
