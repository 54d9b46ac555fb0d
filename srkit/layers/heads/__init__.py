"""Heads: features at the LR image's size, and that image, become the enlarged image; by name.

To add one: write a file here, whose class takes the feature count, the image's channels and the
scale, and states `receptive_field` in LR pixels; add one line below. tests/layers/test_heads.py
then covers it. A head refuses the scales it has no way to reach.
"""

from collections.abc import Callable

from srkit.layers.heads.laplacian_progressive import LaplacianProgressiveHead
from srkit.layers.heads.pixel_shuffle import PixelShuffleHead
from srkit.layers.heads.wavelet_synthesis import WaveletSynthesisHead
from srkit.layers.layer import Layer
from srkit.layers.registry import lookup

HEADS: dict[str, Callable[[int, int, int], Layer]] = {
    "pixel_shuffle": PixelShuffleHead,
    "wavelet": WaveletSynthesisHead,
    "laplacian": LaplacianProgressiveHead,
}


def create_head(name: str, features: int, image_channels: int, scale: int) -> Layer:
    """Build the head called `name`."""
    return lookup(HEADS, "head", name)(features, image_channels, scale)
