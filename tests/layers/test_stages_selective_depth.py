"""Selective depth attention against its formula, and what its weights must be."""

from typing import Any

import pytest
import torch
from torch import Tensor

from srkit.layers.blocks.residual import ResidualBlock
from srkit.layers.stages.selective_depth import DepthAttention, SelectiveDepthStage

from .layer_making import randomised

FEATURES, COUNT = 8, 3


def _stage(count: int = COUNT, **settings: Any) -> SelectiveDepthStage:
    depth = DepthAttention(FEATURES, count, norm="bn")
    blocks = [ResidualBlock(FEATURES, "none") for _ in range(count)]
    return randomised(SelectiveDepthStage(blocks, depth, **settings))


@pytest.mark.parametrize("activation", [True, False])
def test_equals_the_formula(activation: bool) -> None:
    """The paper's next block takes what the ReLU leaves; the mixture what was before it."""
    stage = _stage(activation=activation)
    given = torch.randn(2, FEATURES, 5, 7)
    x, depths = given, []
    for block in stage.blocks:
        depths.append(block(x))
        x = depths[-1].relu() if activation else depths[-1]
    convolution, norm, _ = stage.depth.squeeze
    squeezed = norm(convolution(sum(depths).mean(dim=(2, 3), keepdim=True))).relu()
    logits = [layer(squeezed) for layer in stage.depth.logits]
    total = sum(logit.exp() for logit in logits)
    mixed = sum(depth * logit.exp() / total for depth, logit in zip(depths, logits, strict=True))
    expected = mixed.relu() if activation else mixed
    torch.testing.assert_close(stage(given), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("window", [None, 3])
def test_the_weights_of_the_blocks_sum_to_one_in_every_channel(window: int | None) -> None:
    depth = randomised(DepthAttention(FEATURES, COUNT, window=window))
    weights = depth.weights(_depths())
    assert weights.min() > 0
    torch.testing.assert_close(weights.sum(dim=0), torch.ones(weights.shape[1:]))


def test_equal_weights_give_the_mean() -> None:
    depth = randomised(DepthAttention(FEATURES, COUNT))
    for layer in depth.logits:
        layer.load_state_dict(depth.logits[0].state_dict())
    expected = torch.stack(_depths()).mean(dim=0)
    torch.testing.assert_close(depth(_depths()), expected)


def test_a_single_block_is_given_as_it_is() -> None:
    stage = _stage(count=1, activation=True)
    x = torch.randn(2, FEATURES, 5, 7)
    torch.testing.assert_close(stage(x), stage.blocks[0](x).relu(), atol=0, rtol=0)


@pytest.mark.parametrize(("features", "hidden"), [(64, 64), (1024, 64), (2048, 128)])
def test_the_squeeze_has_the_papers_width(features: int, hidden: int) -> None:
    assert DepthAttention(features, 1).logits[0].in_channels == hidden


def _depths() -> list[Tensor]:
    torch.manual_seed(0)
    return list(torch.randn(COUNT, 2, FEATURES, 5, 7))
