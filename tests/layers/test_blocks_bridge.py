"""The bridge block against its formula, and against squeeze-and-excitation."""

from typing import Any

import torch

from srkit.layers.blocks.bridge import BridgeBlock

from .layer_making import randomised

FEATURES = 16


def test_equals_the_formula() -> None:
    block = BridgeBlock(FEATURES, "none", norm="bn", gate_norm="bn", slope=0)
    randomised(block)
    x = torch.randn(3, FEATURES, 7, 9)
    first = block.first[1](block.first[0](x)).relu()
    second = block.second[1](block.second[0](first))
    hidden = torch.zeros(())
    squeezes: Any = block.bridge.squeeze
    for (layer, norm), maps in zip(squeezes, (first, second), strict=True):
        squeezed = maps.flatten(2).sum(2) / (7 * 9) @ layer.weight[:, :, 0, 0].T
        deviation = (norm.running_var + 1e-5).sqrt()
        hidden = hidden + (squeezed - norm.running_mean) / deviation * norm.weight + norm.bias
    gate = (hidden.relu() @ block.bridge.excite.weight[:, :, 0, 0].T).sigmoid()
    expected = x + second * gate[:, :, None, None]
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-5)


def test_without_its_bridge_it_is_squeeze_and_excitation() -> None:
    block = BridgeBlock(FEATURES, "none")
    randomised(block)
    squeezes: Any = block.bridge.squeeze
    layer, norm = squeezes[0]
    layer.weight.data.zero_()
    norm.bias.data.zero_()
    x = torch.randn(2, FEATURES, 6, 5)
    change = block.second(block.first(x))
    hidden = block.bridge.squeeze[1](change.mean(dim=(2, 3), keepdim=True)).relu()
    expected = x + change * block.bridge.excite(hidden).sigmoid()
    torch.testing.assert_close(block(x), expected, atol=1e-6, rtol=1e-5)
