"""The attention mechanisms a model can be built with, by name.

To add one: write a file here, whose class takes the channel count first, keeps the shape of its
input and states `receptive_field` (a radius in pixels of its own input; None = the whole image);
add one line below. tests/layers/test_attention.py then covers it.
"""

from collections.abc import Callable

from srkit.layers.attention.efficient_channel import EfficientChannelAttention
from srkit.layers.attention.none import NoAttention
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.layer import Layer
from srkit.layers.registry import lookup

ATTENTION: dict[str, Callable[[int], Layer]] = {
    "none": NoAttention,
    "se": SqueezeExcitation,
    "eca": EfficientChannelAttention,
}


def create_attention(name: str, channels: int) -> Layer:
    """Build the mechanism called `name` for `channels` feature maps."""
    return lookup(ATTENTION, "attention", name)(channels)
