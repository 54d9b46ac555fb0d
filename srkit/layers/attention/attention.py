"""What every attention mechanism is and states of itself.

Categories are those of Guo et al., "Attention Mechanisms in Computer Vision: A Survey",
Computational Visual Media 2022, https://arxiv.org/abs/2111.07624: which channel, where in the
image, which of several branches, when in a burst of frames.
"""

from typing import ClassVar, Literal

from srkit.errors import ConfigError
from srkit.layers.attention.pooling import pooling_radius
from srkit.layers.layer import Layer, chained

Category = Literal["channel", "spatial", "channel and spatial", "branch", "temporal"]


class Attention(Layer):
    """A layer that keeps the shape of its input and is built from a channel count.

    Raises: ConfigError when there is no channel.
    """

    category: ClassVar[Category]
    gain_at_init: ClassVar[float | None] = None
    """The factor, if there is one, that a new mechanism multiplies its input with on average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels < 1:
            raise ConfigError(f"channels must be at least 1, got {channels}")
        self.channels = channels


class PoolingAttention(Attention):
    """An attention that sums the whole image up, or a window of it.

    `window` is the side, in pixels of the input, of the square around each position that is
    summed up instead of the whole image; at the border, its part inside the image. With it the
    receptive field is finite, so that an image can be computed in tiles with the same result; a
    window as large as the patches trained on also shows the network what it was trained for (Chu
    et al., "Improving Image Restoration by Revisiting Global Information Aggregation", ECCV 2022,
    https://arxiv.org/abs/2112.04491).

    Receptive field: the whole image; with a window, half its side and `reach`.
    Raises: ConfigError when the window is below 1.
    """

    reach: ClassVar[int] = 0
    """How far, in pixels, its convolutions look beyond the window."""

    def __init__(self, channels: int, *, window: int | None = None) -> None:
        super().__init__(channels)
        if window is not None and window < 1:
            raise ConfigError(f"window must be at least 1, got {window}")
        self.window = window
        self.receptive_field = chained((pooling_radius(window), self.reach))
