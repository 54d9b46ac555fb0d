"""The wavelets block against its formulas, with PyWavelets as the transform."""

from typing import Any

import numpy as np
import pytest
import pywt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.blocks.wavelets import WaveletsBlock

from .layer_making import randomised

FEATURES, HEADS = 16, 2


@pytest.mark.parametrize("reduction", [1, 2])
def test_equals_the_formulas(reduction: int) -> None:
    block = WaveletsBlock(FEATURES, "none", heads=HEADS, reduction=reduction, norm="bn", slope=0)
    randomised(block)
    x = torch.randn(1, FEATURES, 8, 12)
    y = x + _attended(block.spatial_norm(x), block, reduction)
    part, normal = block.channel, block.channel_norm(y)
    expected = y + part.narrow(F.gelu(part.spread(part.widen(normal))))
    torch.testing.assert_close(block(x), expected, atol=2e-5, rtol=1e-5)


def _attended(x: Tensor, block: WaveletsBlock, reduction: int) -> Tensor:
    part, depth = block.spatial, FEATURES // HEADS
    thin = part.thin[1](part.thin[0](x)).relu()
    bands = _transform(thin)
    filtered = part.filter[1](part.filter[0](bands)).relu()
    details = _inverse(filtered)
    reduced = part.reduce(filtered) if reduction > 1 else filtered
    normal = F.layer_norm(
        reduced.permute(0, 2, 3, 1), (FEATURES,), part.reduced_norm.weight, part.reduced_norm.bias
    ).permute(0, 3, 1, 2)
    query, (key, value) = part.query(x)[0], part.key_value(normal)[0].chunk(2)
    out = torch.zeros_like(x)
    for head in range(HEADS):
        channels = slice(head * depth, (head + 1) * depth)
        keys, values = key[channels].flatten(1), value[channels].flatten(1)
        for row in range(x.shape[2]):
            for column in range(x.shape[3]):
                logits = query[channels, row, column] @ keys / depth**0.5
                out[0, channels, row, column] = values @ logits.softmax(0)
    return part.leave(torch.cat((out, details), dim=1))


def _transform(x: Tensor) -> Tensor:
    approximation, details = pywt.dwt2(x.detach().numpy(), "haar")
    return torch.from_numpy(np.concatenate((approximation, *details), axis=1))


def _inverse(bands: Tensor) -> Tensor:
    approximation, *details = np.split(bands.detach().numpy(), 4, axis=1)
    return torch.from_numpy(pywt.idwt2((approximation, tuple(details)), "haar"))


@pytest.mark.parametrize("size", [(8, 12), (5, 7), (1, 1)])
def test_the_pair_of_transforms_loses_nothing(size: tuple[int, int]) -> None:
    """With a filter that changes nothing, the details that come back are what went in."""
    torch.manual_seed(0)
    part = WaveletsBlock(FEATURES, "none", reduction=2, slope=1).spatial
    convolve = part.filter[0]
    assert isinstance(convolve, nn.Conv2d)
    assert convolve.bias is not None
    assert part.leave.bias is not None
    nn.init.dirac_(convolve.weight)
    nn.init.zeros_(convolve.bias)
    # Let the details alone through, in the first quarter of the channels.
    part.leave.weight.data.zero_()
    part.leave.bias.data.zero_()
    for channel in range(FEATURES // 4):
        part.leave.weight.data[channel, FEATURES + channel] = 1
    x = torch.randn(2, FEATURES, *size)
    torch.testing.assert_close(part(x)[:, : FEATURES // 4], part.thin(x), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("features", "settings", "message"),
    [
        (10, {"heads": 2}, "multiple of 4 for a wavelets block, got 10"),
        (16, {"heads": 3}, "heads must divide the 16 features, got 3"),
        (16, {"reduction": 2, "window": 6}, "multiple of 4, the side of a key's cell, got 6"),
    ],
)
def test_what_cannot_be_built_is_refused(
    features: int, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        WaveletsBlock(features, "none", **settings)
