"""ResNets: residual units of any branch, with an attention at its end, in four stages.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016. As in torchvision's, it is the
3x3 convolution of a bottleneck that has the stride.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from srkit.layers.convolution import convolution
from srkit.layers.layer import Layer

WIDTHS = (64, 128, 256, 512)


class Unit(Layer):
    """A residual unit: a branch, an attention behind it, and a shortcut; no ReLU behind the sum."""

    receptive_field = None

    def __init__(
        self, branch: nn.Module, attention: nn.Module, *, channels: int, features: int, stride: int
    ) -> None:
        super().__init__()
        self.branch = branch
        self.attention = attention
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != features:
            self.shortcut = convolution(channels, features, norm="bn", stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        whole: Tensor = self.shortcut(x) + self.attention(self.branch(x))
        return whole


def basic(channels: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels, width, 3, norm="bn", slope=0, stride=stride),
        convolution(width, width, 3, norm="bn"),
    )


def bottleneck(channels: int, width: int, stride: int, *, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        convolution(channels, width, norm="bn", slope=0),
        convolution(width, width, 3, norm="bn", slope=0, stride=stride, groups=groups),
        convolution(width, 4 * width, norm="bn"),
    )


Branch = Callable[[int, int, int], nn.Module]
"""Takes the channels that come in, the width of the stage and the stride."""
Stage = Callable[[list[Layer], int], nn.Module]
"""Takes the units of a stage and its features."""


def rectified(units: list[Layer], features: int) -> nn.Module:
    """The ordinary stage: a ReLU behind each unit."""
    return nn.Sequential(*(nn.Sequential(unit, nn.ReLU()) for unit in units))


def resnet(
    depths: tuple[int, ...],
    branch: Branch,
    *,
    expansion: int,
    attention: Callable[[int], nn.Module] = lambda features: nn.Identity(),
    stage: Stage = rectified,
    last_norm: bool = False,
) -> nn.Sequential:
    channels = 64
    layers: list[nn.Module] = [
        convolution(3, channels, 7, norm="bn", slope=0, stride=2),
        nn.MaxPool2d(3, stride=2, padding=1),
    ]
    for number, (depth, width) in enumerate(zip(depths, WIDTHS, strict=True)):
        units: list[Layer] = []
        features = expansion * width
        for at in range(depth):
            stride = 2 if number > 0 and at == 0 else 1
            unit = Unit(
                branch(channels, width, stride),
                attention(features),
                channels=channels,
                features=features,
                stride=stride,
            )
            units.append(unit)
            channels = features
        layers.append(stage(units, features))
    if last_norm:
        layers.append(nn.BatchNorm2d(channels))
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    return nn.Sequential(*layers)


def count(build: Callable[[], nn.Module], *, side: int = 224) -> int:
    """Count a classifier's parameters without making any, and see that its parts fit together."""
    with torch.device("meta"):
        model = build().eval()
        assert model(torch.empty(1, 3, side, side)).shape == (1, 1000)
    return sum(parameter.numel() for parameter in model.parameters())
