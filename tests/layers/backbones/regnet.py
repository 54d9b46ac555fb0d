"""RegNetX with G-Ghost stages. Radosavovic et al., CVPR 2020; Han et al., IJCV 2022."""

from torch import nn

from srkit.layers.convolution import convolution
from srkit.layers.layer import Layer
from srkit.layers.stages.g_ghost import FEWEST_BLOCKS, GGhostStage

from .resnet import Unit


class Rectified(Layer):
    """RegNetX's block: a bottleneck that is not narrower, with a ReLU behind the sum."""

    receptive_field = None

    def __init__(self, channels: int, features: int, *, group: int, stride: int = 1) -> None:
        super().__init__()
        branch = nn.Sequential(
            convolution(channels, features, norm="bn", slope=0),
            convolution(
                features,
                features,
                3,
                norm="bn",
                slope=0,
                stride=stride,
                groups=features // min(features, group),
            ),
            convolution(features, features, norm="bn"),
        )
        self.unit = Unit(branch, nn.Identity(), channels=channels, features=features, stride=stride)
        self.forward = nn.Sequential(self.unit, nn.ReLU()).forward


def g_ghost_regnet(depths: tuple[int, ...], widths: tuple[int, ...], group: int) -> nn.Sequential:
    channels = 32
    layers: list[nn.Module] = [convolution(3, channels, 3, norm="bn", slope=0, stride=2)]
    for depth, width in zip(depths, widths, strict=True):
        first = Rectified(channels, width, group=group, stride=2)
        if depth < FEWEST_BLOCKS:
            layers.append(first)
            layers += [Rectified(width, width, group=group) for _ in range(depth - 1)]
        else:
            thin = int(0.75 * group)
            raw = int(width / 2 / thin) * thin
            between = [Rectified(raw, raw, group=thin) for _ in range(depth - 2)]
            last = Rectified(width, width, group=group)
            layers.append(
                GGhostStage(first, between, last, features=width, raw=raw, norm="bn", slope=0)
            )
        channels = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    return nn.Sequential(*layers)
