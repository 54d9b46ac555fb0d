"""The Res2Net block: scales inside one block, from convolutions that take each other's results.

Gao et al., "Res2Net: A New Multi-scale Backbone Architecture", IEEE TPAMI 2021,
https://arxiv.org/abs/1904.01169. As in the paper's code it is the last group of maps that passes
unchanged; its figure draws the first. srkit's defaults leave out batch normalisation, let the ReLU
leak and keep the width; `norm="bn", slope=0` and a `width` are the paper's, whose ReLU behind the
sum is the caller's.
"""

# Shapes: B batch, C features, S the channels of all groups, G those of one, H W height and width.

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention import create_attention
from srkit.layers.convolution import convolution
from srkit.layers.layer import Layer, chained


class HierarchicalConvolution(nn.Module):
    """Convolve groups of maps one after the other, each together with the last one's result.

    At the start of a classifier's stage, with a `stride` or `independent`, no group takes another's
    result, and the last one is averaged instead of passed on.

    Shape: (B, S, H, W) in, the same out, divided by the stride.
    Receptive field: the number of groups less one, as much as the last convolution's; 1 with one.
    Raises: ConfigError when there is no group.
    """

    def __init__(
        self,
        width: int,
        groups: int,
        *,
        cardinality: int = 1,
        stride: int = 1,
        independent: bool = False,
        norm: str = "none",
        slope: float = 0.1,
    ) -> None:
        super().__init__()
        _check(groups)
        self.groups = groups
        self.independent = independent or stride > 1
        self.convolutions = nn.ModuleList(
            convolution(width, width, 3, norm=norm, slope=slope, stride=stride, groups=cardinality)
            for _ in range(max(1, groups - 1))
        )
        self.rest = nn.AvgPool2d(3, stride=stride, padding=1) if self.independent else nn.Identity()

    def forward(self, x_BSHW: Tensor) -> Tensor:
        groups_BGHW: Sequence[Tensor] = x_BSHW.chunk(self.groups, dim=1)
        made: list[Tensor] = []
        for convolve, group_BGHW in zip(self.convolutions, groups_BGHW, strict=False):
            given = group_BGHW if self.independent or not made else group_BGHW + made[-1]
            made.append(convolve(given))
        if self.groups > 1:
            made.append(self.rest(groups_BGHW[-1]))
        return torch.cat(made, dim=1)


class Res2NetBlock(Layer):
    """Add to the features what convolutions of several scales and an attention make of them.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the number of groups less one, or the whole image where the attention's is.
    Raises: ConfigError when there is no group.
    """

    def __init__(
        self,
        features: int,
        attention: str,
        *,
        window: int | None = None,
        groups: int = 4,
        width: int | None = None,
        cardinality: int = 1,
        norm: str = "none",
        slope: float = 0.1,
    ) -> None:
        super().__init__()
        _check(groups)
        width = max(1, features // groups) if width is None else width
        inside = width * groups
        self.enter = convolution(features, inside, norm=norm, slope=slope)
        self.scales = HierarchicalConvolution(
            width, groups, cardinality=cardinality, norm=norm, slope=slope
        )
        self.leave = convolution(inside, features, norm=norm)
        self.attend = create_attention(attention, features, window=window)
        self.receptive_field = chained((max(1, groups - 1), self.attend.receptive_field))
        self.size_multiple = self.attend.size_multiple

    def forward(self, x_BCHW: Tensor) -> Tensor:
        change_BCHW: Tensor = self.leave(self.scales(self.enter(x_BCHW)))
        return x_BCHW + self.attend(change_BCHW)


def _check(groups: int) -> None:
    if groups < 1:
        raise ConfigError(f"a Res2Net block needs at least 1 group, got {groups}")
