"""The Res2Net block against timm's, and what it is made of."""

import pytest
import torch
from timm.models.res2net import Bottle2neck
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.blocks.res2net import HierarchicalConvolution, Res2NetBlock

from .layer_making import randomised


class Nothing(nn.Module):
    """A shortcut that leaves the branch alone."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(1)


@pytest.mark.parametrize(
    ("base", "groups", "cardinality"), [(26, 4, 1), (48, 2, 1), (14, 8, 1), (4, 4, 8), (64, 1, 1)]
)
def test_equals_timms(base: int, groups: int, cardinality: int) -> None:
    """timm's has a ReLU behind the sum, which is the caller's here."""
    theirs = randomised(
        Bottle2neck(
            64,
            16,
            base_width=base,
            scale=groups,
            cardinality=cardinality,
            norm_layer=nn.BatchNorm2d,
        )
    )
    ours = Res2NetBlock(
        64,
        "none",
        groups=groups,
        width=theirs.width,
        cardinality=cardinality,
        norm="bn",
        slope=0,
    ).eval()
    _copy(ours.enter, theirs.conv1, theirs.bn1)
    _copy_scales(ours.scales, theirs)
    _copy(ours.leave, theirs.conv3, theirs.bn3)
    x = torch.randn(2, 64, 9, 7)
    torch.testing.assert_close(ours(x).relu(), theirs(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("stride", [1, 2])
def test_equals_timms_at_the_start_of_a_stage(stride: int) -> None:
    theirs = randomised(
        Bottle2neck(64, 16, stride, Nothing(), base_width=26, norm_layer=nn.BatchNorm2d)
    )
    ours = HierarchicalConvolution(
        theirs.width, 4, stride=stride, independent=True, norm="bn", slope=0
    ).eval()
    _copy_scales(ours, theirs)
    x = torch.randn(2, 64, 9, 8)
    entered = theirs.bn1(theirs.conv1(x)).relu()
    left = theirs.bn3(theirs.conv3(ours(entered))).relu()
    torch.testing.assert_close(left, theirs(x), atol=1e-5, rtol=0)


def test_every_group_sees_a_pixel_more_than_the_one_before() -> None:
    torch.manual_seed(0)
    scales = HierarchicalConvolution(2, 5).double()
    x = torch.randn(1, 10, 13, 13, dtype=torch.float64)
    touched = x.clone()
    touched[..., 6, 6] += 1
    changed = (scales(touched) - scales(x)).abs() > 1e-12
    reach = [
        int((group.any(dim=(0, 1, 2)).nonzero() - 6).abs().max()) for group in changed.chunk(5, 1)
    ]
    assert reach == [1, 2, 3, 4, 0]  # the last group passes unchanged


def test_one_group_is_one_convolution() -> None:
    scales = HierarchicalConvolution(6, 1)
    x = torch.randn(1, 6, 5, 5)
    torch.testing.assert_close(scales(x), scales.convolutions[0](x), atol=0, rtol=0)


def test_no_group_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1 group, got 0"):
        Res2NetBlock(16, "none", groups=0, width=4)


def _copy(ours: nn.Module, convolution: nn.Module, norm: nn.Module) -> None:
    ours.load_state_dict(nn.Sequential(convolution, norm).state_dict())


def _copy_scales(ours: HierarchicalConvolution, theirs: Bottle2neck) -> None:
    for mine, convolution, norm in zip(ours.convolutions, theirs.convs, theirs.bns, strict=True):
        _copy(mine, convolution, norm)
