"""Mechanisms that timm has too: its weights, its output, to 1e-5."""

import pytest
import torch
from timm.layers.cbam import CbamModule
from timm.layers.cond_conv2d import CondConv2d
from timm.layers.coord_attn import CoordAttn
from timm.layers.eca import EcaModule
from timm.layers.global_context import GlobalContext as TheirGlobalContext
from timm.layers.non_local_attn import NonLocalAttn
from timm.layers.norm import LayerNorm2d
from timm.layers.selective_kernel import SelectiveKernel as TheirSelectiveKernel
from timm.layers.split_attn import SplitAttn
from timm.layers.squeeze_excite import SEModule
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.conditional_convolution import ConditionalConvolution
from srkit.layers.attention.convolutional_block import ConvolutionalBlockAttention
from srkit.layers.attention.coordinate import CoordinateAttention
from srkit.layers.attention.efficient_channel import (
    PUBLISHED_KERNEL_SIZES,
    EfficientChannelAttention,
    kernel_size_for,
)
from srkit.layers.attention.global_context import GlobalContext
from srkit.layers.attention.non_local import NonLocalAttention
from srkit.layers.attention.selective_kernel import SelectiveKernel
from srkit.layers.attention.split import SplitAttention
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation

from ..layer_making import randomised


def copy_in_order(theirs: nn.Module, ours: nn.Module) -> None:
    """Copy all weights and statistics, as both list them in the order they are used."""
    sources = [value for value in theirs.state_dict().values() if value.dim() > 0]
    targets = [value for value in ours.state_dict().values() if value.dim() > 0]
    for source, target in zip(sources, targets, strict=True):
        assert source.numel() == target.numel()
        target.copy_(source.view_as(target))


def assert_equal(ours: nn.Module, theirs: nn.Module, channels: int) -> None:
    """Compare on images of several sizes."""
    ours, theirs = ours.double().eval(), theirs.double()
    for size in ((9, 7), (1, 1), (16, 16)):
        x = torch.randn(2, channels, *size, dtype=torch.float64)
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=0)


def test_squeeze_excitation() -> None:
    theirs = randomised(SEModule(64, rd_ratio=1 / 16, rd_divisor=1, bias=True))
    ours = SqueezeExcitation(64)
    copy_in_order(theirs, ours)
    assert_equal(ours, theirs, 64)


def test_squeeze_excitation_can_be_given_a_floor() -> None:
    assert SqueezeExcitation(16, least_hidden=4).gate.squeeze.out_channels == 4
    assert SqueezeExcitation(64, least_hidden=2).gate.squeeze.out_channels == 4


@pytest.mark.parametrize("channels", [16, 64, 256])
def test_efficient_channel_attention(channels: int) -> None:
    theirs = randomised(EcaModule(channels))
    ours = EfficientChannelAttention(channels)
    copy_in_order(theirs, ours)
    assert_equal(ours, theirs, channels)


def test_efficient_channel_kernel_follows_the_paper() -> None:
    assert [kernel_size_for(c) for c in (16, 96, 128, 1024, 2048)] == [3, 3, 5, 5, 7]


def test_the_published_kernels_give_the_published_eighty_parameters() -> None:
    """ResNet-50 has 3, 4, 6 and 3 blocks of 256 to 2048 channels; the rule gives six more."""
    blocks, widths = (3, 4, 6, 3), (256, 512, 1024, 2048)
    published = [
        EfficientChannelAttention(width, kernel_size=taps)
        for width, taps in zip(widths, PUBLISHED_KERNEL_SIZES["resnet50"], strict=True)
    ]
    ruled = [EfficientChannelAttention(width) for width in widths]
    for layers, expected in ((published, 80), (ruled, 86)):
        taps = [layer.mix.weight.numel() for layer in layers]
        assert sum(n * count for n, count in zip(taps, blocks, strict=True)) == expected


@pytest.mark.parametrize("size", [0, 2, -3])
def test_efficient_channel_kernel_must_be_odd(size: int) -> None:
    with pytest.raises(ConfigError, match=f"odd and positive, got {size}"):
        EfficientChannelAttention(16, kernel_size=size)


@pytest.mark.parametrize("fusion", ["add", "mul", "both"])
@pytest.mark.parametrize("pooling", ["att", "avg"])
@pytest.mark.parametrize("reduction", [4, 16])
def test_global_context(fusion: str, pooling: str, reduction: int) -> None:
    theirs = TheirGlobalContext(
        64,
        use_attn=pooling == "att",
        fuse_add=fusion != "mul",
        fuse_scale=fusion != "add",
        rd_ratio=1 / reduction,
    )
    for part in theirs.modules():
        if isinstance(part, LayerNorm2d):
            part.eps = 1e-5  # the official code's; timm has 1e-6
    randomised(theirs)
    ours = GlobalContext(
        64,
        fusion=fusion,  # type: ignore[arg-type]
        pooling=pooling,  # type: ignore[arg-type]
        reduction=reduction,
    )
    if fusion == "both":  # timm lists the addition first
        assert ours.scale is not None
        assert ours.add is not None
        copy_in_order(theirs.mlp_scale, ours.scale)
        copy_in_order(theirs.mlp_add, ours.add)
        if ours.look is not None:
            assert theirs.conv_attn is not None
            copy_in_order(theirs.conv_attn, ours.look)
    else:
        copy_in_order(theirs, ours)
    assert_equal(ours, theirs, 64)


def test_convolutional_block_attention() -> None:
    theirs = randomised(CbamModule(64))
    ours = ConvolutionalBlockAttention(64, norm="bn")
    copy_in_order(theirs, ours)
    assert_equal(ours, theirs, 64)


def test_coordinate_attention() -> None:
    theirs = randomised(CoordAttn(64, bias=True))
    ours = CoordinateAttention(64, norm="bn")
    assert ours.squeeze[0].bias is None
    assert theirs.conv1.out_channels == 8
    theirs.conv1.bias = None
    copy_in_order(theirs, ours)
    assert_equal(ours, theirs, 64)


def test_selective_kernel() -> None:
    theirs = randomised(TheirSelectiveKernel(64, groups=32, rd_channels=32, split_input=False))
    ours = SelectiveKernel(64, norm="bn")
    copy_in_order(theirs, ours)
    assert_equal(ours, theirs, 64)


@pytest.mark.parametrize(("radix", "cardinality"), [(2, 1), (2, 2), (4, 2)])
def test_split_attention(radix: int, cardinality: int) -> None:
    theirs = randomised(SplitAttn(64, radix=radix, groups=cardinality, norm_layer=nn.BatchNorm2d))
    ours = SplitAttention(64, radix=radix, cardinality=cardinality, norm="bn")
    copy_in_order(theirs, ours)
    assert_equal(ours, theirs, 64)


def test_conditional_convolution() -> None:
    ours = randomised(ConditionalConvolution(16))
    theirs = CondConv2d(16, 16, bias=True)
    copy_in_order(ours.convolve, theirs)

    def routed(x: Tensor) -> Tensor:
        routes = ours.route(x.mean((2, 3), keepdim=True)).flatten(1).sigmoid()
        made: Tensor = theirs(x, routes)
        return made

    x = torch.randn(3, 16, 9, 7)
    torch.testing.assert_close(ours(x), routed(x), atol=1e-5, rtol=0)


def test_non_local_attention() -> None:
    theirs = randomised(NonLocalAttn(64, rd_ratio=1 / 2, rd_divisor=1))
    ours = NonLocalAttention(64, scale=64**-0.5, norm="bn")
    copy_in_order(theirs, ours)
    assert_equal(ours, theirs, 64)
