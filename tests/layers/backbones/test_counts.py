"""Published classifiers, built of srkit's layers, weigh exactly what their authors' do.

The numbers were counted in the authors' public code, HaloNet's in timm's. Nothing is allocated: the
models stand on torch's meta device, where a forward pass only sees that shapes fit.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from torch import nn

from srkit.layers.attention.efficient_channel import (
    PUBLISHED_KERNEL_SIZES,
    EfficientChannelAttention,
)
from srkit.layers.attention.global_context import GlobalContext
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.layer import Layer
from srkit.layers.stages.selective_depth import DepthAttention, SelectiveDepthStage

from .bridged import bridged
from .cmt import cmt
from .ghostnet import ghostnet
from .halonet import halonet_h1
from .moganet import moganet
from .regnet import g_ghost_regnet
from .res2net import res2net_branch
from .resnet import WIDTHS, basic, bottleneck, count, resnet
from .wavevit import wavevit

DEPTHS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    86: (5, 6, 12, 5),
    101: (3, 4, 23, 3),
}


def _resnet(layers: int, **settings: Any) -> Callable[[], nn.Module]:
    branch, expansion = (basic, 1) if layers < 50 else (bottleneck, 4)
    return partial(resnet, DEPTHS[layers], **{"branch": branch, "expansion": expansion, **settings})


def _res2net(layers: int, base: int, groups: int, cardinality: int = 1) -> Callable[[], nn.Module]:
    branch = partial(res2net_branch, base=base, groups=groups, cardinality=cardinality)
    return _resnet(layers, branch=branch)


def _ba_resnet(layers: int) -> Callable[[], nn.Module]:
    branch, expansion = (basic, 1) if layers < 50 else (bottleneck, 4)
    return _resnet(layers, branch=bridged(branch, expansion=expansion))


def _sda(branch: Any) -> Callable[[], nn.Module]:
    return _resnet(86, branch=branch, stage=_selective_depth, last_norm=True)


def _selective_depth(units: list[Layer], features: int) -> nn.Module:
    depth = DepthAttention(features, len(units), norm="bn")
    return SelectiveDepthStage(units, depth, activation=True)


def _published_eca(features: int) -> nn.Module:
    kernels = dict(zip(WIDTHS, PUBLISHED_KERNEL_SIZES["resnet50"], strict=True))
    return EfficientChannelAttention(features, kernel_size=kernels[features // 4])


RESNET_50 = 25_557_032
COUNTS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "ResNet-50": (_resnet(50), RESNET_50),
    "SE-ResNet-50": (_resnet(50, attention=SqueezeExcitation), 28_088_024),
    "SE-ResNet-50 without biases": (
        _resnet(50, attention=partial(SqueezeExcitation, bias=False)),
        28_071_976,
    ),
    "SE-ResNet-34 without biases": (
        _resnet(34, attention=partial(SqueezeExcitation, bias=False)),
        21_954_856,
    ),
    "ECA-ResNet-50 as published": (_resnet(50, attention=_published_eca), RESNET_50 + 80),
    "ECA-ResNet-50 by the rule": (_resnet(50, attention=EfficientChannelAttention), RESNET_50 + 86),
    "GC-ResNet-50": (_resnet(50, attention=GlobalContext), 28_105_032),
    "BA-ResNet-18": (_ba_resnet(18), 11_820_552),
    "BA-ResNet-34": (_ba_resnet(34), 22_034_392),
    "BA-ResNet-50": (_ba_resnet(50), 28_706_376),
    "BA-ResNet-101": (_ba_resnet(101), 50_490_312),
    "SDA-ResNet-86": (_sda(partial(bottleneck, groups=8)), 27_219_880),
    "SDA-Res2Net-86": (_sda(partial(res2net_branch, base=26, groups=4)), 45_254_544),
    "Res2Net-50 26w 4s": (_res2net(50, 26, 4), 25_699_120),
    "Res2Net-50 48w 2s": (_res2net(50, 48, 2), 25_287_304),
    "Res2Net-50 14w 8s": (_res2net(50, 14, 8), 25_059_816),
    "Res2Net-50 26w 6s": (_res2net(50, 26, 6), 37_051_448),
    "Res2Net-50 26w 8s": (_res2net(50, 26, 8), 48_403_776),
    "Res2Net-101 26w 4s": (_res2net(101, 26, 4), 45_206_688),
    "Res2NeXt-50": (_res2net(50, 4, 4, 8), 24_671_464),
    "GhostNet 0.5": (partial(ghostnet, 0.5), 2_587_292),
    "GhostNet 1.0": (partial(ghostnet, 1.0), 5_182_508),
    "GhostNet 1.3": (partial(ghostnet, 1.3), 7_358_820),
    "G-Ghost-RegNetX-3.2": (
        partial(g_ghost_regnet, (2, 6, 15, 2), (96, 192, 432, 1008), 48),
        10_511_000,
    ),
    "G-Ghost-RegNetX-4.0": (
        partial(g_ghost_regnet, (2, 5, 14, 2), (80, 240, 560, 1360), 40),
        15_726_268,
    ),
    "G-Ghost-RegNetX-8.0": (
        partial(g_ghost_regnet, (2, 5, 15, 1), (80, 240, 720, 1920), 120),
        24_586_928,
    ),
    "G-Ghost-RegNetX-16": (
        partial(g_ghost_regnet, (2, 6, 13, 1), (256, 512, 896, 2048), 128),
        32_381_704,
    ),
    "MogaNet-XT": (partial(moganet, (32, 64, 96, 192), (3, 3, 10, 2)), 2_956_066),
    "MogaNet-T": (partial(moganet, (32, 64, 128, 256), (3, 3, 12, 2)), 5_197_332),
    "MogaNet-S": (partial(moganet, (64, 128, 320, 512), (2, 3, 12, 2)), 25_335_675),
    "MogaNet-B": (partial(moganet, (64, 160, 320, 512), (4, 6, 22, 3)), 43_720_475),
    "MogaNet-L": (partial(moganet, (64, 160, 320, 640), (4, 6, 44, 4)), 82_480_978),
    "MogaNet-XL": (partial(moganet, (96, 192, 480, 960), (6, 6, 44, 4)), 180_991_924),
    "Wave-ViT-S": (
        partial(wavevit, (64, 128, 320, 448), (3, 4, 6, 3), (2, 4, 10, 14), stem=32),
        22_690_176,
    ),
    "Wave-ViT-B": (
        partial(wavevit, (64, 128, 320, 512), (3, 4, 12, 3), (2, 4, 10, 16), stem=64),
        33_516_128,
    ),
    "Wave-ViT-L": (
        partial(wavevit, (96, 192, 384, 512), (3, 6, 18, 3), (3, 6, 12, 16), stem=64),
        57_474_504,
    ),
}
# CMT's position biases are for images of one size.
CMT = {
    "CMT-Ti": ((46, 92, 184, 368), (2, 2, 10, 2), 3.6, 16, 160, 9_492_426),
    "CMT-XS": ((52, 104, 208, 416), (3, 3, 12, 3), 3.77, 16, 192, 15_247_208),
    "CMT-S": ((64, 128, 256, 512), (3, 3, 16, 3), 4, 32, 224, 26_256_160),
    "CMT-B": ((76, 152, 304, 608), (4, 4, 20, 4), 4, 38, 256, 45_715_076),
}


@pytest.mark.parametrize("name", COUNTS)
def test_has_the_parameters_of_the_original(name: str) -> None:
    build, parameters = COUNTS[name]
    assert count(build) == parameters


@pytest.mark.parametrize("name", CMT)
def test_cmt_has_the_parameters_of_the_original(name: str) -> None:
    widths, depths, expansion, stem, side, parameters = CMT[name]
    build = partial(cmt, widths, depths, expansion=expansion, stem=stem, side=side)
    assert count(build, side=side) == parameters


def test_halonet_has_the_parameters_of_timms() -> None:
    assert count(halonet_h1, side=256) == 8_100_056
