"""The attention mechanisms a model can be built with, by name.

To add one: write a file here, whose class is an `Attention`, or a `PoolingAttention` where it sums
the image up and so takes a `window`; it takes the channel count first, keeps the shape of its input
and states `category` and `receptive_field` (a radius in pixels of its own input; None = the whole
image); add one line below. tests/layers/test_attention.py then covers it.
"""

from srkit.layers.attention.attention import Attention, PoolingAttention
from srkit.layers.attention.efficient_channel import EfficientChannelAttention
from srkit.layers.attention.none import NoAttention
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.registry import lookup

ATTENTION: dict[str, type[Attention]] = {
    "none": NoAttention,
    "se": SqueezeExcitation,
    "eca": EfficientChannelAttention,
}


def create_attention(name: str, channels: int, *, window: int | None = None) -> Attention:
    """Build the mechanism called `name` for `channels` feature maps.

    With a `window`, a mechanism that pools the whole image pools the window around each position
    instead, and its receptive field is finite; others look no different.
    """
    mechanism = lookup(ATTENTION, "attention", name)
    if issubclass(mechanism, PoolingAttention):
        return mechanism(channels, window=window)
    return mechanism(channels)
