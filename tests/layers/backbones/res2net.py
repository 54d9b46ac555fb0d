"""Res2Net's branch for the ResNet assembly. Gao et al., IEEE TPAMI 2021."""

from torch import nn

from srkit.layers.blocks.res2net import HierarchicalConvolution
from srkit.layers.convolution import convolution


def res2net_branch(
    channels: int, planes: int, stride: int, *, base: int, groups: int, cardinality: int = 1
) -> nn.Sequential:
    """Give the branch of a unit with 4 * planes features; `base` is the width for 64 planes."""
    width = planes * base // 64 * cardinality
    # A stage starts where the channels change.
    starts = stride > 1 or channels != 4 * planes
    return nn.Sequential(
        convolution(channels, width * groups, norm="bn", slope=0),
        HierarchicalConvolution(
            width,
            groups,
            cardinality=cardinality,
            stride=stride,
            independent=starts,
            norm="bn",
            slope=0,
        ),
        convolution(width * groups, 4 * planes, norm="bn"),
    )
