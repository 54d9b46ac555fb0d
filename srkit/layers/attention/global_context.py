"""Global context (GC) attention: non-local attention with one query for the whole image.

Cao et al., "GCNet: Non-local Networks Meet Squeeze-Excitation Networks and Beyond", ICCV Workshops
2019, https://arxiv.org/abs/1904.11492. `fusion` and `pooling` are the paper's choices; its default
adds to every position one vector, made from the softmax mean of all. The last layer starts at zero,
so a new block that adds is the identity.

Ours is the floor `least_hidden`: the paper's reduction of 16 leaves a narrow network one hidden
unit, which layer normalisation would make a constant. From 64 channels on it does not count.
"""

# Shapes: B batch, C channels, N hidden channels, H W height and width.

from typing import Literal

from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.attention import PoolingAttention
from srkit.layers.attention.pooling import mean, softmax_mean
from srkit.layers.norm import ChannelNorm

FUSIONS = ("add", "mul", "both")
POOLINGS = ("att", "avg")


class GlobalContext(PoolingAttention):
    """Add to every position a transformed softmax mean of all, or scale it by one, or both.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the whole image, because the context is taken from it; or half the window.
    Raises: ConfigError for a fusion or a pooling that is none of the paper's.
    """

    category = "spatial"
    gain_at_init = 1.0

    def __init__(
        self,
        channels: int,
        *,
        window: int | None = None,
        reduction: int = 16,
        least_hidden: int = 4,
        fusion: Literal["add", "mul", "both"] = "add",
        pooling: Literal["att", "avg"] = "att",
    ) -> None:
        super().__init__(channels, window=window)
        if fusion not in FUSIONS:
            raise ConfigError(f"fusion must be one of {', '.join(FUSIONS)}, got {fusion!r}")
        if pooling not in POOLINGS:
            raise ConfigError(f"pooling must be one of {', '.join(POOLINGS)}, got {pooling!r}")
        hidden = max(channels // reduction, least_hidden)
        self.look = nn.Conv2d(channels, 1, 1) if pooling == "att" else None
        self.scale = None if fusion == "add" else _transform(channels, hidden)
        self.add = None if fusion == "mul" else _transform(channels, hidden)

    def context(self, x_BCHW: Tensor) -> Tensor:
        """Give what is known of the whole image, (B, C, 1, 1), or of each position's window."""
        if self.look is None:
            return mean(x_BCHW, self.window)
        return softmax_mean(self.look(x_BCHW), x_BCHW, self.window)[0].to(x_BCHW.dtype)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        context_BCHW = self.context(x_BCHW)
        if self.scale is not None:
            x_BCHW = x_BCHW * self.scale(context_BCHW).sigmoid()
        if self.add is not None:
            x_BCHW = x_BCHW + self.add(context_BCHW)
        return x_BCHW


def _transform(channels: int, hidden: int) -> nn.Sequential:
    last = nn.Conv2d(hidden, channels, 1)
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        nn.Conv2d(channels, hidden, 1), ChannelNorm(hidden, eps=1e-5), nn.ReLU(), last
    )
