"""The two layers that turn a summary of the channels into a gate for each of them.

Hu, Shen, Sun, "Squeeze-and-Excitation Networks", CVPR 2018, https://arxiv.org/abs/1709.01507: a
layer to a few hidden units, ReLU, a layer back, sigmoid. Mechanisms that differ in what they sum up
share it. `hard` takes a straight line for the sigmoid (Howard et al., "Searching for MobileNetV3",
ICCV 2019, https://arxiv.org/abs/1905.02244).
"""

# Shapes: B batch, C channels, H W height and width of the summary: 1, or the map's in windows.

import torch.nn.functional as F
from torch import Tensor, nn


class Excitation(nn.Module):
    """Compute gates in (0, 1), or [0, 1] where they are hard, from summaries.

    Shape: (B, C, H, W) in, the same out.
    """

    def __init__(
        self,
        channels: int,
        *,
        reduction: int = 16,
        least_hidden: int = 1,
        bias: bool = True,
        hard: bool = False,
    ) -> None:
        super().__init__()
        self.hard = hard
        hidden = max(channels // reduction, least_hidden)
        self.squeeze = nn.Conv2d(channels, hidden, 1, bias=bias)
        self.excite = nn.Conv2d(hidden, channels, 1, bias=bias)

    def logits(self, summary_BCHW: Tensor) -> Tensor:
        """Give what the sigmoid is taken of."""
        logits_BCHW: Tensor = self.excite(self.squeeze(summary_BCHW).relu())
        return logits_BCHW

    def forward(self, summary_BCHW: Tensor) -> Tensor:
        logits_BCHW = self.logits(summary_BCHW)
        return F.hardsigmoid(logits_BCHW) if self.hard else logits_BCHW.sigmoid()
