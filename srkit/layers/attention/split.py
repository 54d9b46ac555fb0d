"""Split attention: the building block of ResNeSt.

Zhang et al., "ResNeSt: Split-Attention Networks", CVPR Workshops 2022,
https://arxiv.org/abs/2004.08955. A 3x3 convolution makes `radix` feature maps of each channel, a
softmax over the radix mixes them. `cardinality` groups do so independently. The paper normalises
the batch behind every layer (`norm="bn"`); a radix of 1 would be a gated convolution, and is left
out.
"""

# Shapes: B batch, R radix, G cardinality, C channels, H W height and width.

from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import mean
from srkit.layers.norm import create_norm


class SplitAttention(PoolingAttention):
    """Convolve to several maps a channel and mix these by the image's means.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because its mean mixes; or half the window and 1.
    Raises: ConfigError when the radix is below 2, or radix times cardinality does not divide the
        channels.
    """

    category = "branch"
    reach = 1

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        radix: int = 2,
        cardinality: int = 1,
        reduction: int = 4,
        least_hidden: int = 32,
        norm: str = "none",
    ) -> None:
        super().__init__(channels, window=window)
        if radix < 2:
            raise ConfigError(f"radix must be at least 2, got {radix}")
        if channels % (radix * cardinality):
            raise ConfigError(
                f"split attention needs a multiple of {radix * cardinality} channels "
                f"(radix {radix}, cardinality {cardinality}), got {channels}"
            )
        self.radix = radix
        self.cardinality = cardinality
        hidden = max(channels * radix // reduction, least_hidden)
        self.split = nn.Sequential(
            nn.Conv2d(
                channels,
                channels * radix,
                3,
                padding=1,
                groups=radix * cardinality,
                bias=norm == "none",
            ),
            create_norm(norm, channels * radix),
            nn.ReLU(),
        )
        self.squeeze = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, groups=cardinality),
            create_norm(norm, hidden),
            nn.ReLU(),
        )
        self.score = nn.Conv2d(hidden, channels * radix, 1, groups=cardinality)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        made_BRCHW = self.split(x_BCHW).unflatten(1, (self.radix, -1))
        scores = self.score(self.squeeze(mean(made_BRCHW.sum(1), self.window)))
        scores_BGRCHW = scores.unflatten(1, (self.cardinality, self.radix, -1))
        weights_BRCHW = scores_BGRCHW.softmax(dim=2).transpose(1, 2).flatten(2, 3)
        mixed_BCHW: Tensor = (made_BRCHW * weights_BRCHW).sum(1)
        return mixed_BCHW
