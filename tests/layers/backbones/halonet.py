"""HaloNet-H1 as timm has it, with halo attention in all stages. Vaswani et al., CVPR 2021."""

from torch import nn

from srkit.layers.blocks.halo import HaloAttention, HaloBlock
from srkit.layers.convolution import convolution

from .resnet import Unit

HEADS = 8


def halonet_h1() -> nn.Sequential:
    channels = 64
    layers: list[nn.Module] = [
        convolution(3, channels, 7, norm="bn", slope=0, stride=2),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    for depth, width in zip((3, 3, 10, 3), (64, 128, 256, 512), strict=True):
        for at in range(depth):
            wider = at == 0 and width != channels
            layers.append(
                _halving(channels, width)
                if wider
                else HaloBlock(width, "none", heads=HEADS, norm="bn", slope=0)
            )
            layers.append(nn.ReLU())
        channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    return nn.Sequential(*layers)


def _halving(channels: int, width: int) -> Unit:
    branch = nn.Sequential(
        convolution(channels, width, norm="bn", slope=0),
        HaloAttention(width, heads=HEADS),
        nn.AvgPool2d(2),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        convolution(width, width, norm="bn"),
    )
    return Unit(branch, nn.Identity(), channels=channels, features=width, stride=2)
