"""CMT. Guo et al., CVPR 2022."""

from torch import nn

from srkit.layers.blocks.cmt import CMTBlock
from srkit.layers.blocks.position_bias import AbsoluteBias
from srkit.layers.norm import ChannelNorm

HEADS = (1, 2, 4, 8)
REDUCTIONS = (8, 4, 2, 1)


def cmt(
    widths: tuple[int, ...], depths: tuple[int, ...], *, expansion: float, stem: int, side: int
) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for stride in (2, 1, 1):
        layers += [
            nn.Conv2d(channels, stem, 3, stride=stride, padding=1),
            nn.GELU(),
            nn.BatchNorm2d(stem),
        ]
        channels = stem
    side //= 2
    for width, depth, heads, reduction in zip(widths, depths, HEADS, REDUCTIONS, strict=True):
        side //= 2
        layers += [nn.Conv2d(channels, width, 2, stride=2), ChannelNorm(width)]
        position = AbsoluteBias(heads, size=(side, side), reduction=reduction)
        layers += [
            CMTBlock(
                width,
                "none",
                heads=heads,
                reduction=reduction,
                expansion=expansion,
                norm="bn",
                position=position,
            )
            for _ in range(depth)
        ]
        channels = width
    layers += [
        nn.Conv2d(channels, 1280, 1),
        nn.BatchNorm2d(1280),
        nn.SiLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(1280, 1000),
    ]
    return nn.Sequential(*layers)
