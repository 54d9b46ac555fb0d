"""MogaNet. Li et al., ICLR 2024."""

from torch import nn

from srkit.layers.blocks.moga import MogaBlock

EXPANSIONS = (8, 8, 4, 4)


def moganet(widths: tuple[int, ...], depths: tuple[int, ...]) -> nn.Sequential:
    half = widths[0] // 2
    layers: list[nn.Module] = [
        nn.Conv2d(3, half, 3, stride=2, padding=1),
        nn.BatchNorm2d(half),
        nn.GELU(),
    ]
    channels = half
    for width, depth, expansion in zip(widths, depths, EXPANSIONS, strict=True):
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.BatchNorm2d(width)]
        layers += [MogaBlock(width, "none", expansion=expansion, norm="bn") for _ in range(depth)]
        layers.append(nn.BatchNorm2d(width))
        channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    return nn.Sequential(*layers)
