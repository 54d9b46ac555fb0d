"""A product of kernels is one kernel: the same with torch's own convolutions as the oracle."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from srkit.errors import ConfigError
from srkit.layers.collapsible import CollapsibleConvolution, fold, over_parametrise


@pytest.mark.parametrize(("inputs", "outputs", "side"), [(3, 5, 3), (4, 4, 3), (2, 2, 5)])
def test_is_the_wide_convolution_then_the_narrow_one(inputs: int, outputs: int, side: int) -> None:
    torch.manual_seed(0)
    layer = CollapsibleConvolution(inputs, outputs, side, expansion=16).double()
    x = torch.randn(2, inputs, 9, 8, dtype=torch.float64)
    wide = F.conv2d(x, layer.expand.weight, padding=side // 2)
    expected = layer.project(wide) + (x if inputs == outputs else 0)
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer.folded()(x), expected)


def test_becomes_any_plain_convolution() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 6, 3, padding=1)
    layer = CollapsibleConvolution(6, 6, 3, expansion=9)
    assert plain.bias is not None
    layer.unfold(plain.weight, plain.bias)
    x = torch.randn(1, 6, 7, 7)
    torch.testing.assert_close(layer(x), plain(x), atol=1e-5, rtol=1e-5)
    with pytest.raises(ConfigError, match=r"expansion must be at least 6 .* got 5"):
        CollapsibleConvolution(6, 6, 3, expansion=5).unfold(plain.weight, plain.bias)


def test_replaces_plain_convolutions_alone() -> None:
    layers = {
        "plain": nn.Conv2d(4, 4, 3, padding=1),
        "pointwise": nn.Conv2d(4, 4, 1),
        "grouped": nn.Conv2d(4, 4, 3, padding=1, groups=4),
        "strided": nn.Conv2d(4, 4, 3, padding=1, stride=2),
        "dilated": nn.Conv2d(4, 4, 3, padding=2, dilation=2),
        "unbiased": nn.Conv2d(4, 4, 3, padding=1, bias=False),
    }
    network = nn.ModuleDict({**layers, "inside": nn.Sequential(nn.Conv2d(4, 2, 3, padding=1))})
    over_parametrise(network, 8)
    assert [name for name, layer in layers.items() if network[name] is not layer] == ["plain"]
    assert isinstance(network["inside"], nn.Sequential)
    assert isinstance(network["inside"][0], CollapsibleConvolution)
    fold(network)
    assert not any(isinstance(layer, CollapsibleConvolution) for layer in network.modules())


@pytest.mark.parametrize(("side", "expansion", "message"), [(2, 8, "odd, got 2"), (3, 0, "got 0")])
def test_refuses_what_it_cannot_be(side: int, expansion: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CollapsibleConvolution(4, 4, side, expansion=expansion)
