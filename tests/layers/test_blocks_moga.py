"""The MogaNet block against the paper's formulas, written out channel by channel."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.blocks.moga import MogaBlock

from .layer_making import randomised

FEATURES = 16


def test_equals_the_formulas() -> None:
    block = MogaBlock(FEATURES, "none", norm="bn")
    randomised(block)
    x = torch.randn(2, FEATURES, 9, 11)
    normal = _batch_norm(x, block.spatial_norm)
    y = x + block.spatial_scale.factor * _aggregated(normal, block)
    normal = _batch_norm(y, block.channel_norm)
    expected = y + block.channel_scale.factor * _fed_forward(normal, block)
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-5)


def _batch_norm(x: Tensor, norm: nn.Module) -> Tensor:
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, variance, weight, bias = (
        part[:, None, None]
        for part in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


def _silu(x: Tensor) -> Tensor:
    return x * x.sigmoid()


def _aggregated(x: Tensor, block: MogaBlock) -> Tensor:
    part: Any = block.spatial
    entered = part.enter(x)
    mean = entered.sum(dim=(2, 3), keepdim=True) / (x.shape[2] * x.shape[3])
    decomposed = _silu(entered + part.contrast.factor * (entered - mean))
    gate = part.gate(decomposed)
    # Each channel by itself: an eighth once, three and four eighths again and wider.
    orders = []
    for channel in range(FEATURES):
        low = F.conv2d(
            decomposed[:, channel : channel + 1],
            part.value.low.weight[channel : channel + 1],
            part.value.low.bias[channel : channel + 1],
            padding=2,
        )
        if channel >= FEATURES // 8:
            again, first, wide = (
                (part.value.middle, FEATURES // 8, 4)
                if channel < FEATURES // 2
                else (part.value.high, FEATURES // 2, 9)
            )
            at = slice(channel - first, channel - first + 1)
            dilation = 2 if again is part.value.middle else 3
            low = F.conv2d(low, again.weight[at], again.bias[at], padding=wide, dilation=dilation)
        orders.append(low)
    value = part.value.mix(torch.cat(orders, dim=1))
    return part.leave(_silu(gate) * _silu(value)) + x


def _fed_forward(x: Tensor, block: MogaBlock) -> Tensor:
    part = block.channel
    hidden = F.gelu(part.spread(part.widen(x)))
    apart = hidden - F.gelu(part.common(hidden))
    return part.narrow(hidden + part.contrast.factor * apart)


@pytest.mark.parametrize("norm", ["none", "bn", "ln"])
def test_begins_as_nearly_the_identity(norm: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, FEATURES, 9, 11)
    change = MogaBlock(FEATURES, "none", norm=norm).eval()(x) - x
    assert 0 < change.abs().max() < 1e-3


def test_features_that_cannot_be_split_are_refused() -> None:
    with pytest.raises(ConfigError, match="multiple of 8 for a moga block, got 12"):
        MogaBlock(12, "none")
