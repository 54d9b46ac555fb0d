"""Halo attention against timm's, a loop over pixels, and attention to everything."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from timm.layers.halo_attn import HaloAttn
from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.blocks import halo
from srkit.layers.blocks.halo import HaloAttention, HaloBlock

from .layer_making import randomised

FEATURES, HEADS = 16, 2


@pytest.mark.parametrize("scale_pos", [False, True])
@pytest.mark.parametrize(("side", "reach"), [(4, 2), (8, 3)])
def test_equals_timms(side: int, reach: int, scale_pos: bool) -> None:
    """timm's counts what is outside of the image as zeros, and keeps keys and values in one."""
    theirs = randomised(
        HaloAttn(
            FEATURES,
            num_heads=HEADS,
            block_size=side,
            halo_size=reach,
            scale_pos_embed=scale_pos,
        )
    )
    ours = HaloAttention(
        FEATURES, heads=HEADS, side=side, halo=reach, mask_pad=False, scale_pos=scale_pos
    )
    keys_and_values = theirs.kv.weight.data.unflatten(0, (HEADS, 2, -1))
    ours.query.weight.data.copy_(theirs.q.weight.data)
    ours.key.weight.data.copy_(keys_and_values[:, 0].flatten(0, 1))
    ours.value.weight.data.copy_(keys_and_values[:, 1].flatten(0, 1))
    ours.position.down.data.copy_(theirs.pos_embed.height_rel.data)
    ours.position.across.data.copy_(theirs.pos_embed.width_rel.data)
    x = torch.randn(2, FEATURES, 2 * side, 3 * side)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("scale_pos", [False, True])
@pytest.mark.parametrize("size", [(8, 8), (5, 10), (1, 1)])
def test_equals_a_loop_over_pixels(size: tuple[int, int], scale_pos: bool) -> None:
    """What is outside of the image is hidden, also where the last squares reach over its border."""
    ours = HaloAttention(FEATURES, heads=HEADS, side=4, halo=2, scale_pos=scale_pos, out_proj=True)
    randomised(ours)
    x = torch.randn(1, FEATURES, *size)
    expected = ours.leave(_by_pixel(ours, x))
    torch.testing.assert_close(ours(x), expected, atol=1e-5, rtol=0)


def _by_pixel(layer: HaloAttention, x: Tensor) -> Tensor:
    height, width = x.shape[-2:]
    side, reach, depth = layer.side, layer.halo, FEATURES // HEADS
    window = side + 2 * reach
    out = torch.zeros_like(x)
    query, key, value = layer.query(x)[0], layer.key(x)[0], layer.value(x)[0]
    for row in range(height):
        for column in range(width):
            top, left = row // side * side - reach, column // side * side - reach
            for head in range(HEADS):
                channels = slice(head * depth, (head + 1) * depth)
                q = query[channels, row, column]
                logits, values = [], []
                for y in range(max(0, top), min(height, top + window)):
                    for z in range(max(0, left), min(width, left + window)):
                        down = y - top - row % side + window - 1
                        across = z - left - column % side + window - 1
                        position = q @ layer.position.down[down] + q @ layer.position.across[across]
                        content = q @ key[channels, y, z] / depth**0.5
                        logits.append(content + position / (depth**0.5 if layer.scale_pos else 1))
                        values.append(value[channels, y, z])
                weights = torch.stack(logits).softmax(0)
                out[0, channels, row, column] = weights @ torch.stack(values)
    return out


def test_one_square_without_a_halo_attends_to_the_whole_image() -> None:
    torch.manual_seed(0)
    ours = HaloAttention(FEATURES, heads=HEADS, side=6, halo=0)
    ours.position.down.data.zero_()
    ours.position.across.data.zero_()
    x = torch.randn(2, FEATURES, 6, 6)
    query, key, value = (
        part(x).flatten(2).unflatten(1, (HEADS, -1)).transpose(2, 3)
        for part in (ours.query, ours.key, ours.value)
    )
    expected = F.scaled_dot_product_attention(query, key, value).transpose(2, 3).reshape(x.shape)
    torch.testing.assert_close(ours(x), expected, atol=1e-5, rtol=0)


def test_many_squares_are_computed_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    ours = HaloAttention(FEATURES, heads=HEADS, side=4, halo=1)
    x = torch.randn(2, FEATURES, 10, 13)
    at_once = ours(x)
    monkeypatch.setattr(halo, "MOST_LOGITS", 5 * HEADS * 16 * 36)
    torch.testing.assert_close(ours(x), at_once, atol=1e-6, rtol=0)


def test_the_block_is_a_bottleneck_around_the_attention() -> None:
    torch.manual_seed(0)
    block = HaloBlock(FEATURES, "none", side=4, halo=2, slope=0)
    x = torch.randn(1, FEATURES, 7, 9)
    expected = x + block.leave(block.spatial(block.enter(x)).relu())
    torch.testing.assert_close(block(x), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"heads": 3}, "heads must divide the 16 features, got 3"),
        ({"heads": 2, "side": 0}, "got 0 and 3"),
        ({"heads": 2, "halo": -1}, "got 8 and -1"),
    ],
)
def test_what_cannot_be_built_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        HaloAttention(FEATURES, **settings)
