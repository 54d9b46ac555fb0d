"""Collaborating attention (CAT), reconstructed: channel and spatial gates and their worth.

Wu et al., "CAT: Learning to Collaborate Channel and Spatial Attention from Multi-Information
Fusion", IET Computer Vision 2023, https://arxiv.org/abs/2212.06335. Means, maxima and entropies are
pooled over positions for the channels and over channels for the positions; scalar factors weigh
the three, and the two gates.

Reconstructed: no code was published, and the paper's text leaves open what follows. The maxima are
those of a slightly blurred map (5x5 Gaussian of deviation 1, as the one public re-implementation
has it, for signals; beyond the border its last pixels are repeated, which maps of one pixel allow
too); entropies are those of a softmax, stretched to [0, 1] between their smallest
and largest (over the channels; for positions, over the image or the window); the spatial gate is
a 7x7 convolution of one map. The three factors start at a third, so that the gates look at once;
`init="zeros"` is what the re-implementation does, with which they all start at a half.
`lite` is the channel gate alone. The re-implementation's pooling of maxima over all positions, its
spatial convolution from all channels and its minus sign before the mean, which a learned factor
makes immaterial, are left out.
"""

# Shapes: B batch, C channels, H W height and width.

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.excitation import Excitation
from srkit.layers.attention.pooling import entropy, maximum, mean

STARTS = {"thirds": 1 / 3, "zeros": 0.0}
# Beside the range of the entropies: they may all be equal.
EPSILON = 1e-6
BLUR = 2
KERNEL = 7


class CollaboratingAttention(PoolingAttention):
    """Scale every pixel by a mixture of its channel's gate and its position's.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image; or half the window and 3, and no less than 5 (`lite`: and 2).
    Raises: ConfigError for an unknown init.
    """

    category = "channel and spatial"

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        init: Literal["thirds", "zeros"] = "thirds",
        lite: bool = False,
    ) -> None:
        super().__init__(channels, window=window)
        if init not in STARTS:
            raise ConfigError(f"init must be one of {', '.join(STARTS)}, got {init!r}")
        if window is not None:
            # The blur is pooled by the channel gate, and convolved by the spatial one.
            half = window // 2
            self.receptive_field = half + BLUR if lite else max(half, BLUR) + KERNEL // 2
        self.gate = Excitation(channels, reduction=reduction, bias=False)
        self.channel_factors = nn.Parameter(torch.full((3,), STARTS[init]))
        taps = torch.exp(-(torch.arange(-BLUR, BLUR + 1) ** 2) / 2)
        taps = taps / taps.sum()
        self.register_buffer("taps", taps[:, None] * taps, persistent=False)
        self.lite = lite
        if not lite:
            self.spatial_factors = nn.Parameter(torch.full((3,), STARTS[init]))
            self.place = nn.Conv2d(1, 1, KERNEL, padding=KERNEL // 2, bias=False)
            self.worth = nn.Parameter(torch.zeros(2))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        blurred_BCHW = self._blurred(x_BCHW)
        gate_BCHW = self.channel_gate(x_BCHW, blurred_BCHW)
        if not self.lite:
            of_channel, of_place = self.worth.softmax(0)
            gate_BCHW = of_channel * gate_BCHW + of_place * self.spatial_gate(x_BCHW, blurred_BCHW)
        return x_BCHW * gate_BCHW.to(x_BCHW.dtype)

    def channel_gate(self, x_BCHW: Tensor, blurred_BCHW: Tensor) -> Tensor:
        """Give each channel's gate, (B, C, 1, 1), or one a position when there is a window."""
        spread_BCHW = entropy(x_BCHW, self.window)
        low, high = spread_BCHW.amin(1, keepdim=True), spread_BCHW.amax(1, keepdim=True)
        seen = (
            mean(x_BCHW, self.window),
            maximum(blurred_BCHW, self.window),
            ((spread_BCHW - low) / (high - low + EPSILON)).to(x_BCHW.dtype),
        )
        logits = [self.gate.logits(summary) for summary in seen]
        return _weighed(self.channel_factors, logits).sigmoid()

    def spatial_gate(self, x_BCHW: Tensor, blurred_BCHW: Tensor) -> Tensor:
        """Give each position's gate, (B, 1, H, W)."""
        log = x_BCHW.log_softmax(1)
        spread_B1HW = -(log.exp() * log).sum(1, keepdim=True)
        low, high = -maximum(-spread_B1HW, self.window), maximum(spread_B1HW, self.window)
        seen = [
            x_BCHW.mean(1, keepdim=True),
            blurred_BCHW.amax(1, keepdim=True),
            (spread_B1HW - low) / (high - low + EPSILON),
        ]
        gate_B1HW: Tensor = self.place(_weighed(self.spatial_factors, seen)).sigmoid()
        return gate_B1HW

    def _blurred(self, x_BCHW: Tensor) -> Tensor:
        padded = F.pad(x_BCHW, [BLUR] * 4, mode="replicate")
        taps = self.get_buffer("taps").to(x_BCHW.dtype).expand(self.channels, 1, -1, -1)
        return F.conv2d(padded, taps, groups=self.channels)


def _weighed(factors: Tensor, maps: list[Tensor]) -> Tensor:
    return factors[0] * maps[0] + factors[1] * maps[1] + factors[2] * maps[2]
