"""Mechanisms that mix branches: their weights, and what they are when all is equal."""

import pytest
import torch

from srkit.errors import ConfigError
from srkit.layers.attention.branch_selection import BranchSelection
from srkit.layers.attention.conditional_convolution import ConditionalConvolution
from srkit.layers.attention.diverse_adaptive import DiverseAdaptiveAttention
from srkit.layers.attention.dynamic_convolution import DynamicConvolution
from srkit.layers.attention.expert_convolution import ExpertConvolution
from srkit.layers.attention.highway import HighwayGate
from srkit.layers.attention.split import SplitAttention

from ..layer_making import randomised


@pytest.mark.parametrize("window", [None, 5])
def test_the_weights_of_branches_sum_to_one(window: int | None) -> None:
    select = randomised(BranchSelection(8, 3, window=window, hidden=4))
    made = torch.randn(3, 2, 8, 6, 7)
    weights = select.weights(made)
    assert weights.shape == (3, 2, 8, *((1, 1) if window is None else (6, 7)))
    torch.testing.assert_close(weights.sum(0), torch.ones_like(weights[0]))
    assert weights.std() > 0.05
    equal = made[:1].expand(3, -1, -1, -1, -1)
    torch.testing.assert_close(select(equal), equal[0])


def test_one_branch_of_diverse_attention_is_squeeze_and_excitation_of_its_convolution() -> None:
    layer = randomised(DiverseAdaptiveAttention(16, branches=1))
    x = torch.randn(2, 16, 7, 6)
    convolved = layer.branches[0](x)
    expected = x + convolved * layer.emphasise(convolved.mean((2, 3), keepdim=True))
    torch.testing.assert_close(layer(x), expected)


def test_diverse_attention_equals_its_formula() -> None:
    layer = randomised(DiverseAdaptiveAttention(16))
    x = torch.randn(2, 16, 7, 6)
    made = []
    for dilation, branch in enumerate(layer.branches, 1):
        kernel, bias = branch.state_dict()["0.weight"], branch.state_dict()["0.bias"]
        around = torch.nn.functional.pad(x, [dilation] * 4)
        summed = torch.zeros_like(x)
        for i in range(3):
            for j in range(3):
                rows, columns = (
                    slice(i * dilation, i * dilation + 7),
                    slice(j * dilation, j * dilation + 6),
                )
                summed += kernel[:, 0, i, j, None, None] * around[:, :, rows, columns]
        made.append((summed + bias[:, None, None]).clamp(min=0))
    squeezed = layer.select.squeeze(sum(made).mean((2, 3), keepdim=True))
    scores = layer.select.score(squeezed).view(2, 3, 16, 1, 1).exp()
    selected = sum(made[k] * scores[:, k] for k in range(3)) / scores.sum(1)
    expected = x + selected * layer.emphasise(selected.mean((2, 3), keepdim=True))
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_diverse_attention_weighs_what_its_layers_do() -> None:
    count = sum(weight.numel() for weight in DiverseAdaptiveAttention(64).parameters())
    branches, selection = 3 * 64 * (9 + 1), (64 + 1) * 32 + 3 * 32 * 64
    emphasis = (64 + 1) * 4 + (4 + 1) * 64
    assert count == branches + selection + emphasis
    block = 2 * (9 * 64 * 64 + 64)
    assert 0.14 < count / block < 0.16  # a seventh, as its file says
    with pytest.raises(ConfigError, match="branches must be at least 1, got 0"):
        DiverseAdaptiveAttention(16, branches=0)


def test_mixing_kernels_is_mixing_results() -> None:
    convolve = ExpertConvolution(6, 4).double()
    x = torch.randn(3, 6, 5, 7, dtype=torch.float64)
    weights = torch.rand(3, 4, 1, 1, dtype=torch.float64)
    everywhere = convolve(x, weights.expand(-1, -1, 5, 7))
    torch.testing.assert_close(convolve(x, weights), everywhere)


@pytest.mark.parametrize("kind", [ConditionalConvolution, DynamicConvolution])
def test_one_expert_alone_is_a_convolution(
    kind: type[ConditionalConvolution] | type[DynamicConvolution],
) -> None:
    layer = kind(8, experts=1)
    last = layer.route[-1] if isinstance(layer.route, torch.nn.Sequential) else layer.route
    torch.nn.init.constant_(last.bias, 100.0)  # type: ignore[arg-type]
    x = torch.randn(2, 8, 6, 6)
    weight, bias = layer.convolve.weight[0], layer.convolve.bias[0]
    expected = torch.nn.functional.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close(layer(x), expected)


def test_the_hotter_dynamic_convolution_the_more_equal_its_experts() -> None:
    layer = randomised(DynamicConvolution(8, temperature=1e6)).double()
    x = torch.randn(2, 8, 6, 6, dtype=torch.float64)
    weight, bias = layer.convolve.weight.mean(0), layer.convolve.bias.mean(0)
    expected = torch.nn.functional.conv2d(x, weight, bias, padding=1)
    torch.testing.assert_close(layer(x), expected, atol=1e-4, rtol=0)


def test_a_highway_is_closed_or_open() -> None:
    x = torch.randn(2, 8, 5, 5)
    torch.testing.assert_close(HighwayGate(8, gate_bias=-100)(x), x)
    opened = HighwayGate(8, gate_bias=100)
    torch.testing.assert_close(opened(x), opened.transform(x).relu())
    between = randomised(HighwayGate(8))
    gate = between.gate(x).sigmoid()
    expected = gate * between.transform(x).relu() + (1 - gate) * x
    torch.testing.assert_close(between(x), expected)


def test_split_attention_needs_channels_that_it_can_split() -> None:
    with pytest.raises(ConfigError, match=r"multiple of 4 channels .* got 6"):
        SplitAttention(6, cardinality=2)
    with pytest.raises(ConfigError, match="radix must be at least 2, got 1"):
        SplitAttention(6, radix=1)
