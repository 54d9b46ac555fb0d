"""The bridge gate against its formula, and against squeeze-and-excitation."""

import pytest
import torch

from srkit.errors import ConfigError
from srkit.layers.attention.bridge import BridgeGate

from ..layer_making import randomised

SIZE = (6, 5)


def test_bridge_gate() -> None:
    gate = randomised(BridgeGate([4, 4, 16], 16, norm="bn")).double()
    maps = [torch.randn(2, width, *SIZE, dtype=torch.float64) for width in (4, 4, 16)]
    made = gate(maps)
    for image in range(2):
        hidden = torch.zeros(4, dtype=torch.float64)
        for squeeze, squeezed_map in zip(gate.squeeze, maps, strict=True):
            state = squeeze.state_dict()
            squeezed = state["0.weight"].flatten(1) @ squeezed_map[image].mean((1, 2))
            normal = (squeezed - state["1.running_mean"]) / (state["1.running_var"] + 1e-5).sqrt()
            hidden += normal * state["1.weight"] + state["1.bias"]
        expected = torch.sigmoid(gate.excite.weight.flatten(1) @ hidden.clamp(min=0))
        torch.testing.assert_close(made[image].flatten(), expected)


def test_bridge_gate_has_the_published_parameters() -> None:
    """A bottleneck of ResNet-50's first stage: (p + p + 4p) h + 3 * 2h + h * 4p, h = p / 4."""
    width, hidden = 64, 16
    gate = BridgeGate([width, width, 4 * width], 4 * width, norm="bn")
    count = sum(parameter.numel() for parameter in gate.parameters())
    assert count == 6 * width * hidden + 6 * hidden + hidden * 4 * width


def test_bridge_gate_of_one_map_without_a_norm_is_squeeze_and_excitation() -> None:
    x = torch.randn(2, 16, *SIZE, dtype=torch.float64)
    gate = randomised(BridgeGate([16], 16, norm="none")).double()
    summary = x[0].mean((1, 2))
    weights = gate.state_dict()
    hidden = (weights["squeeze.0.0.weight"].flatten(1) @ summary).clamp(min=0)
    expected = torch.sigmoid(weights["excite.weight"].flatten(1) @ hidden)
    torch.testing.assert_close(gate([x])[0].flatten(), expected)


def test_bridge_gate_needs_a_map() -> None:
    with pytest.raises(ConfigError, match="at least one map"):
        BridgeGate([], 16)
