"""The attention mechanisms a model can be built with, by name.

To add one: write a file here, whose class is an `Attention`, or a `PoolingAttention` where it sums
the image up and so takes a `window`; it takes the channel count first, keeps the shape of its input
and states `category`, `receptive_field` (a radius in pixels of its own input; None = the whole
image) and, where it works on a grid, `size_multiple`; add one line below.
tests/layers/test_attention.py then covers it.

The mechanisms of `TEMPORAL_ATTENTION` take a burst of frames, (B, T, C, H, W), and give one map.
"""

from srkit.layers.attention.attention import Attention, PoolingAttention
from srkit.layers.attention.collaborating import CollaboratingAttention
from srkit.layers.attention.conditional_convolution import ConditionalConvolution
from srkit.layers.attention.convolutional_block import ConvolutionalBlockAttention
from srkit.layers.attention.coordinate import CoordinateAttention
from srkit.layers.attention.diverse_adaptive import DiverseAdaptiveAttention
from srkit.layers.attention.dynamic_convolution import DynamicConvolution
from srkit.layers.attention.efficient_channel import EfficientChannelAttention
from srkit.layers.attention.frame import FrameAttention
from srkit.layers.attention.frame_similarity import FrameSimilarity
from srkit.layers.attention.frequency_channel import FrequencyChannelAttention
from srkit.layers.attention.gated_channel import GatedChannelTransformation
from srkit.layers.attention.global_context import GlobalContext
from srkit.layers.attention.haar_gate import HaarGate
from srkit.layers.attention.highway import HighwayGate
from srkit.layers.attention.large_kernel import LargeKernelAttention
from srkit.layers.attention.non_local import NonLocalAttention
from srkit.layers.attention.none import NoAttention
from srkit.layers.attention.second_order import SecondOrderAttention
from srkit.layers.attention.selective_kernel import SelectiveKernel
from srkit.layers.attention.simple import SimpleAttention
from srkit.layers.attention.split import SplitAttention
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.attention.strip_pooling import StripPooling
from srkit.layers.attention.style_recalibration import StyleRecalibration
from srkit.layers.attention.triplet import TripletAttention
from srkit.layers.attention.wavelet_bands import WaveletBandAttention
from srkit.layers.attention.wavelet_channel import WaveletChannelAttention
from srkit.layers.registry import lookup

ATTENTION: dict[str, type[Attention]] = {
    "none": NoAttention,
    "se": SqueezeExcitation,
    "eca": EfficientChannelAttention,
    "haar_gate": HaarGate,
    "gc": GlobalContext,
    "srm": StyleRecalibration,
    "gct": GatedChannelTransformation,
    "fca": FrequencyChannelAttention,
    "soca": SecondOrderAttention,
    "wavenet_c": WaveletChannelAttention,
    "wavelet_bands": WaveletBandAttention,
    "cbam": ConvolutionalBlockAttention,
    "cat": CollaboratingAttention,
    "simam": SimpleAttention,
    "triplet": TripletAttention,
    "coordinate": CoordinateAttention,
    "lka": LargeKernelAttention,
    "strip": StripPooling,
    "non_local": NonLocalAttention,
    "sk": SelectiveKernel,
    "split": SplitAttention,
    "da2": DiverseAdaptiveAttention,
    "condconv": ConditionalConvolution,
    "dynamic_conv": DynamicConvolution,
    "highway": HighwayGate,
}

TEMPORAL_ATTENTION: dict[str, type[Attention]] = {
    "frame": FrameAttention,
    "frame_similarity": FrameSimilarity,
}


def create_attention(name: str, channels: int, *, window: int | None = None) -> Attention:
    """Build the mechanism called `name` for `channels` feature maps.

    With a `window`, a mechanism that pools the whole image pools the window around each position
    instead, and its receptive field is finite; others look no different.
    """
    return _created(lookup(ATTENTION, "attention", name), channels, window)


def create_temporal_attention(name: str, channels: int, *, window: int | None = None) -> Attention:
    """Build the mechanism called `name` for bursts of `channels` feature maps; see above."""
    return _created(lookup(TEMPORAL_ATTENTION, "temporal attention", name), channels, window)


def _created(mechanism: type[Attention], channels: int, window: int | None) -> Attention:
    if issubclass(mechanism, PoolingAttention):
        return mechanism(channels, window=window)
    return mechanism(channels)
