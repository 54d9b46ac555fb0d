"""Mix what several branches gave, with weights of each branch and channel that sum to one.

Li et al., "Selective Kernel Networks", CVPR 2019, https://arxiv.org/abs/1903.06586: the branches
are added and averaged over the image, squeezed to a few hidden units, and from these a softmax over
the branches is made for each channel.
"""

# Shapes: K branches, B batch, C channels, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention.pooling import mean
from srkit.layers.convolution import convolution


class BranchSelection(nn.Module):
    """Give the mixture of branches.

    Shape: (K, B, C, H, W) -> (B, C, H, W).
    Receptive field: the whole image, or half the window.
    """

    def __init__(
        self,
        channels: int,
        branches: int,
        *,
        window: int | None,
        hidden: int,
        norm: str = "none",
    ) -> None:
        super().__init__()
        self.window = window
        self.branches = branches
        self.squeeze = convolution(channels, hidden, norm=norm, slope=0)
        self.score = nn.Conv2d(hidden, branches * channels, 1, bias=False)

    def weights(self, made_KBCHW: Tensor) -> Tensor:
        """Give the weights, (K, B, C, 1, 1), or one a position when there is a window."""
        scores = self.score(self.squeeze(mean(made_KBCHW.sum(0), self.window)))
        weights: Tensor = scores.unflatten(1, (self.branches, -1)).softmax(dim=1).transpose(0, 1)
        return weights

    def forward(self, made_KBCHW: Tensor) -> Tensor:
        return (made_KBCHW * self.weights(made_KBCHW)).sum(0)
