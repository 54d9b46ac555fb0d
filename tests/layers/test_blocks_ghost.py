"""The ghost module and bottleneck against timm's, and what their size must be."""

import pytest
import torch
from timm.models.ghostnet import GhostBottleneck as TimmBottleneck
from timm.models.ghostnet import GhostModule as TimmModule
from torch import nn

from srkit.errors import ConfigError
from srkit.layers.blocks.ghost import GhostBottleneck, GhostModule

from .layer_making import randomised


@pytest.mark.parametrize("act_layer", [nn.ReLU, nn.Identity])
@pytest.mark.parametrize(
    ("out_channels", "kernel_size", "ratio", "cheap"),
    [(24, 1, 2, 3), (25, 3, 2, 5), (23, 1, 3, 3)],
)
def test_the_module_equals_timms(
    act_layer: type[nn.Module],
    out_channels: int,
    kernel_size: int,
    ratio: int,
    cheap: int,
) -> None:
    theirs = randomised(
        TimmModule(16, out_channels, kernel_size, ratio, cheap, act_layer=act_layer)
    )
    ours = GhostModule(
        16,
        out_channels,
        kernel_size=kernel_size,
        ratio=ratio,
        cheap_kernel_size=cheap,
        norm="bn",
        slope=0 if act_layer is nn.ReLU else None,
    ).eval()
    _copy(ours, theirs)
    x = torch.randn(2, 16, 9, 7)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("squeeze", [False, True])
def test_the_bottleneck_equals_timms(squeeze: bool) -> None:
    theirs = randomised(TimmBottleneck(24, 72, 24, se_ratio=0.25 if squeeze else 0))
    ours = GhostBottleneck(24, "none", hidden=72, norm="bn", slope=0, squeeze=squeeze).eval()
    _copy(ours, theirs)
    x = torch.randn(2, 24, 9, 7)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("out_channels", "ratio"), [(32, 2), (33, 2), (32, 4)])
def test_the_module_weighs_what_the_paper_says(out_channels: int, ratio: int) -> None:
    module = GhostModule(20, out_channels, kernel_size=3, ratio=ratio, norm="bn")
    primary = -(-out_channels // ratio)
    made = primary * (ratio - 1)
    expected = 20 * primary * 9 + made * 9 + 2 * primary + 2 * made
    assert sum(parameter.numel() for parameter in module.parameters()) == expected


def test_with_a_ratio_of_one_it_is_a_convolution() -> None:
    module = GhostModule(8, 12, kernel_size=3, ratio=1)
    plain = nn.Conv2d(8, 12, 3, padding=1)
    _copy(plain, module)
    x = torch.randn(1, 8, 6, 5)
    torch.testing.assert_close(module(x), plain(x), atol=0, rtol=0)


def test_a_ratio_below_one_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        GhostModule(8, 8, ratio=0)


def _copy(ours: nn.Module, theirs: nn.Module) -> None:
    """Copy the weights, which both have in the order in which they are used."""
    copied = dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True))
    ours.load_state_dict(copied)
