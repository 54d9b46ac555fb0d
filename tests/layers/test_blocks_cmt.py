"""The CMT block against its formulas, one query at a time, and its position biases."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.blocks import reduced_attention
from srkit.layers.blocks.cmt import CMTBlock
from srkit.layers.blocks.position_bias import AbsoluteBias, RelativeBias
from srkit.layers.blocks.reduced_attention import PositionBias

from .layer_making import randomised

FEATURES, HEADS, REDUCTION = 12, 3, 2


@pytest.mark.parametrize("absolute", [True, False])
def test_equals_the_formulas(absolute: bool) -> None:
    position: PositionBias = (
        AbsoluteBias(HEADS, size=(6, 8), reduction=REDUCTION)
        if absolute
        else RelativeBias(HEADS, reduction=REDUCTION, reach=3)
    )
    block = CMTBlock(
        FEATURES, "none", heads=HEADS, reduction=REDUCTION, norm="bn", position=position
    )
    randomised(block)
    x = torch.randn(1, FEATURES, 6, 8)
    y = x + block.local(x)
    y = y + _attended(_layer_norm(y, block.spatial_norm), block)
    part, normal = block.channel, _layer_norm(y, block.channel_norm)
    wide = part.widen_norm(F.gelu(part.widen(normal)))
    spread = part.spread_norm(F.gelu(wide + part.spread(wide)))
    expected = y + part.narrow_norm(part.narrow(spread))
    torch.testing.assert_close(block(x), expected, atol=2e-5, rtol=1e-5)


def _layer_norm(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    apart = x - x.mean(dim=1, keepdim=True)
    deviation = (apart.square().mean(dim=1, keepdim=True) + 1e-6).sqrt()
    return apart / deviation * norm.weight[:, None, None] + norm.bias[:, None, None]


def _attended(x: Tensor, block: CMTBlock) -> Tensor:
    part, depth = block.spatial, FEATURES // HEADS
    reduced = part.reduce(x)
    query, key, value = part.query(x)[0], part.key(reduced)[0], part.value(reduced)[0]
    height, width = x.shape[-2:]
    across = width // REDUCTION
    out = torch.zeros_like(x)
    for head in range(HEADS):
        channels = slice(head * depth, (head + 1) * depth)
        keys, values = key[channels].flatten(1), value[channels].flatten(1)
        for row in range(height):
            for column in range(width):
                logits = query[channels, row, column] @ keys / depth**0.5
                for cell in range(keys.shape[1]):
                    place = (row, column, cell // across, cell % across)
                    logits[cell] += _bias(part.position, head, place, width)
                out[0, channels, row, column] = values @ logits.softmax(0)
    return part.leave(out)


def _bias(
    position: PositionBias, head: int, place: tuple[int, int, int, int], width: int
) -> Tensor:
    row, column, down, across = place
    if isinstance(position, AbsoluteBias):
        return position.bias[head, row * width + column, down * width // REDUCTION + across]
    assert isinstance(position, RelativeBias)
    reach = position.reach
    offsets = (
        min(max(query - REDUCTION * cell, -reach), reach) + reach
        for query, cell in ((row, down), (column, across))
    )
    return position.bias[head, *offsets]


def test_blocks_can_share_a_position_bias_as_a_stage_does() -> None:
    position = AbsoluteBias(HEADS, size=(4, 4), reduction=REDUCTION)
    stage = nn.Sequential(
        *(CMTBlock(FEATURES, "none", heads=HEADS, position=position) for _ in range(2))
    )
    names = [name for name, _ in stage.named_parameters() if "position" in name]
    assert names == ["0.spatial.position.bias"]


@pytest.mark.parametrize("size", [(4, 6), (6, 4), (8, 8)])
def test_the_papers_bias_is_for_one_size(size: tuple[int, int]) -> None:
    position = AbsoluteBias(HEADS, size=(4, 4), reduction=REDUCTION)
    block = CMTBlock(FEATURES, "none", heads=HEADS, position=position)
    with pytest.raises(ConfigError, match="maps of 4 x 4 only") as caught:
        block(torch.randn(1, FEATURES, *size))
    assert caught.value.hint == "a RelativeBias takes any size"


def test_in_windows_the_papers_bias_is_for_any_size() -> None:
    torch.manual_seed(0)
    position = AbsoluteBias(HEADS, size=(4, 4), reduction=REDUCTION)
    part = CMTBlock(FEATURES, "none", window=4, heads=HEADS, position=position).spatial
    x = torch.randn(2, FEATURES, 12, 8)
    whole = part(x)
    for top in range(0, 12, 4):
        for left in range(0, 8, 4):
            at = (..., slice(top, top + 4), slice(left, left + 4))
            torch.testing.assert_close(whole[at], part(x[at]), atol=1e-5, rtol=0)


def test_many_logits_are_computed_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    block = CMTBlock(FEATURES, "none", heads=HEADS)
    assert isinstance(block.spatial.position, RelativeBias)
    block.spatial.position.bias.data.normal_()
    x = torch.randn(2, FEATURES, 11, 9)
    at_once = block(x)
    monkeypatch.setattr(reduced_attention, "MOST_LOGITS", 2 * HEADS * 9 * 30 * 3)
    torch.testing.assert_close(block(x), at_once, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": 5}, "heads must divide the 12 features, got 5"),
        ({"heads": 0}, "heads must divide the 12 features, got 0"),
        ({"window": 9}, "window must be a multiple of 2, the side of a key's cell, got 9"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CMTBlock(FEATURES, "none", **settings)
