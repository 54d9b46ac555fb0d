"""GhostNet: ghost bottlenecks with strides. Han et al., CVPR 2020."""

from torch import Tensor, nn

from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.blocks.ghost import GhostModule
from srkit.layers.convolution import convolution
from srkit.layers.width import rounded_width

# Kernel, hidden and output channels, whether squeeze-and-excitation, stride.
BOTTLENECKS = (
    (3, 16, 16, False, 1),
    (3, 48, 24, False, 2),
    (3, 72, 24, False, 1),
    (5, 72, 40, True, 2),
    (5, 120, 40, True, 1),
    (3, 240, 80, False, 2),
    (3, 200, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 184, 80, False, 1),
    (3, 480, 112, True, 1),
    (3, 672, 112, True, 1),
    (5, 672, 160, True, 2),
    (5, 960, 160, False, 1),
    (5, 960, 160, True, 1),
    (5, 960, 160, False, 1),
    (5, 960, 160, True, 1),
)


class Bottleneck(nn.Module):
    def __init__(
        self, channels: int, hidden: int, features: int, kernel: int, *, excite: bool, stride: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [GhostModule(channels, hidden, norm="bn", slope=0)]
        if stride > 1:
            layers.append(
                convolution(hidden, hidden, kernel, norm="bn", stride=stride, groups=hidden)
            )
        if excite:
            least = rounded_width(hidden / 4)
            layers.append(SqueezeExcitation(hidden, least_hidden=least, hard=True))
        layers.append(GhostModule(hidden, features, norm="bn"))
        self.branch = nn.Sequential(*layers)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != features:
            self.shortcut = nn.Sequential(
                convolution(channels, channels, kernel, norm="bn", stride=stride, groups=channels),
                convolution(channels, features, norm="bn"),
            )

    def forward(self, x: Tensor) -> Tensor:
        whole: Tensor = self.shortcut(x) + self.branch(x)
        return whole


def ghostnet(width: float) -> nn.Sequential:
    channels = rounded_width(16 * width)
    layers: list[nn.Module] = [convolution(3, channels, 3, norm="bn", slope=0, stride=2)]
    for kernel, hidden, features, excite, stride in BOTTLENECKS:
        inside, outside = rounded_width(hidden * width), rounded_width(features * width)
        layers.append(Bottleneck(channels, inside, outside, kernel, excite=excite, stride=stride))
        channels = outside
    last = rounded_width(960 * width)
    layers += [
        convolution(channels, last, norm="bn", slope=0),
        nn.AdaptiveAvgPool2d(1),
        nn.Conv2d(last, 1280, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1280, 1000),
    ]
    return nn.Sequential(*layers)
