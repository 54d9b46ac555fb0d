"""BA-Net's branch for the ResNet assembly. Zhao et al., ECCV 2022."""

from torch import Tensor, nn

from srkit.layers.attention.bridge import BridgeGate

from .resnet import Branch


class Bridged(nn.Module):
    """A branch whose result is scaled by a gate that looks at what each of its parts gives."""

    def __init__(self, branch: nn.Module, features: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(branch.children())
        convolutions = [part for part in branch.modules() if isinstance(part, nn.Conv2d)]
        channels = [convolution.out_channels for convolution in convolutions]
        self.gate = BridgeGate(channels, features, norm="bn")

    def forward(self, x: Tensor) -> Tensor:
        maps = []
        for part in self.parts:
            x = part(x)
            maps.append(x)
        return x * self.gate(maps)


def bridged(branch: Branch, *, expansion: int) -> Branch:
    def build(channels: int, width: int, stride: int) -> nn.Module:
        return Bridged(branch(channels, width, stride), expansion * width)

    return build
