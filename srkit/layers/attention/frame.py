"""Frame attention: which frames of a burst to look at, and which of their channels.

srkit's own, the simplest of what Guo et al., "Attention Mechanisms in Computer Vision: A Survey",
Computational Visual Media 2022, https://arxiv.org/abs/2111.07624, call temporal: the two layers of
squeeze-and-excitation score each frame's means, channel by channel; a softmax over the frames makes
weights of the scores, and the weighted sum takes the place of the burst. Frames have no order to
it.
"""

# Shapes: B batch, T frames, C channels, H W height and width.

from torch import Tensor

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.excitation import Excitation
from srkit.layers.attention.pooling import mean


class FrameAttention(PoolingAttention):
    """Mix the frames of a burst, channel by channel, by scores of their means.

    Shape: (B, T, C, H, W) -> (B, C, H, W), any T >= 1.
    Receptive field: the whole image, because the means are taken over it; or half the window.
    """

    category = "temporal"

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        least_hidden: int = 4,
    ) -> None:
        super().__init__(channels, window=window)
        self.score = Excitation(channels, reduction=reduction, least_hidden=least_hidden)

    def weights(self, x_BTCHW: Tensor) -> Tensor:
        """Give the weights, (B, T, C, 1, 1), or one a position when there is a window."""
        means = mean(x_BTCHW.flatten(0, 1), self.window)
        scores: Tensor = self.score.logits(means).unflatten(0, x_BTCHW.shape[:2])
        return scores.softmax(dim=1)

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        return (x_BTCHW * self.weights(x_BTCHW)).sum(1)
