"""The Haar gate: a local attention that looks at the features' Haar approximation, srkit's own.

Squeeze-and-excitation's mean over the image is the last approximation of a recursive Haar
transform. The gate stops after a few levels: the approximation, a small image of what is where, is
looked at by a 3x3 convolution, turned into gates between 0 and 2, and enlarged again. So it weighs
channels and places at once, for hardly any multiply-adds, and its receptive field is finite: tiles
need no tricks. The small grid between a squeeze and a sigmoid is that of PlainUSR's local
importance (Wang et al., ACCV 2024) and ESA (Liu et al., CVPR 2020), both with other poolings.
"""

# Shapes: B batch, C channels, R reduced channels, H W height and width, h w that in cells.

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.attention.attention import Attention
from srkit.transforms.padding import pad_to_multiple


class HaarGate(Attention):
    """Scale channels, place by place, by gates computed from the Haar approximation.

    Shape: (B, C, H, W) in, the same out. At the start all gates are 1.
    Receptive field: two and a half cells of 2**levels pixels.
    Raises: ConfigError when there are less than two channels.
    """

    category = "channel and spatial"
    gain_at_init = 1.0

    def __init__(self, channels: int, *, levels: int = 2, reduction: int = 2) -> None:
        super().__init__(channels)
        hidden = max(channels // reduction, 1)
        self.cell = 2**levels
        self.size_multiple = self.cell
        # A cell beyond the neighbour that bilinear enlarging takes, as seen from a cell's middle.
        self.receptive_field = 2 * self.cell + self.cell // 2 - 1
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.look = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.excite = nn.Conv2d(hidden, channels, 1)
        self.activate = nn.LeakyReLU(0.1)
        nn.init.zeros_(self.excite.weight)
        nn.init.zeros_(self.excite.bias)  # type: ignore[arg-type]

    def forward(self, x_BCHW: Tensor) -> Tensor:
        height, width = x_BCHW.shape[-2:]
        # The approximation without its growing scale: the mean of each cell.
        mean_BChw = F.avg_pool2d(pad_to_multiple(x_BCHW, self.cell), self.cell)
        seen_BRhw = self.activate(self.look(self.activate(self.squeeze(mean_BChw))))
        gate_BChw = 2 * self.excite(seen_BRhw).sigmoid()
        gate_BCHW = F.interpolate(gate_BChw, scale_factor=float(self.cell), mode="bilinear")
        return x_BCHW * gate_BCHW[..., :height, :width]
