"""Dynamic convolution: attention over kernels.

Chen et al., "Dynamic Convolution: Attention over Convolution Kernels", CVPR 2020,
https://arxiv.org/abs/1912.03458. As in conditionally parameterised convolution, but the experts'
weights are a softmax of two layers, so they sum to one. The paper starts training with a
temperature of 30, so that all experts learn, and lowers it: set `temperature` to do so.
"""

# Shapes: B batch, C channels, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.expert_convolution import ExpertConvolution
from srkit.layers.attention.pooling import mean


class DynamicConvolution(PoolingAttention):
    """Convolve with a softmax mixture of 3x3 kernels that depends on the image's means.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, for its mean; or half the window, and no less than 1.
    """

    category = "branch"

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        experts: int = 4,
        reduction: int = 4,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(channels, window=window)
        hidden = max(channels // reduction, 1)
        self.temperature = temperature
        self.route = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, experts, 1)
        )
        self.convolve = ExpertConvolution(channels, experts)
        if self.receptive_field is not None:
            self.receptive_field = max(self.receptive_field, 1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        scores_BEHW = self.route(mean(x_BCHW, self.window)) / self.temperature
        convolved_BCHW: Tensor = self.convolve(x_BCHW, scores_BEHW.softmax(dim=1))
        return convolved_BCHW
