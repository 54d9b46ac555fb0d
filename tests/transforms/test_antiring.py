"""The clamp against echoes, against its definition in centres and distances."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from srkit.transforms.antiring import antiring

SCALES = (2, 3, 4, 8)


def _around(side: int, scale: int, at: int) -> set[int]:
    """Places of the LR pixels less than one away from the centre of an enlarged pixel."""
    centre = (at + 0.5) / scale - 0.5
    near = {math.floor(centre), math.ceil(centre)}
    if abs(centre - round(centre)) < 1e-9:  # on an LR pixel: between both neighbours
        near = {round(centre) - 1, round(centre), round(centre) + 1}
    return {min(max(place, 0), side - 1) for place in near}


def _by_hand(enlarged: Tensor, lr: Tensor, scale: int, room: float) -> Tensor:
    result = enlarged.clone()
    height, width = lr.shape[-2:]
    for y in range(height * scale):
        for x in range(width * scale):
            rows, columns = _around(height, scale, y), _around(width, scale, x)
            for k in range(lr.shape[1]):
                values = [float(lr[0, k, i, j]) for i in rows for j in columns]
                slack = room * (max(values) - min(values))
                low, high = min(values) - slack, max(values) + slack
                result[0, k, y, x] = min(max(float(enlarged[0, k, y, x]), low), high)
    return result


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 4),
    width=st.integers(1, 4),
    scale=st.sampled_from(SCALES),
    room=st.sampled_from((0.0, 0.5, 2.0)),
    seed=st.integers(0, 1000),
)
def test_is_what_its_definition_says(
    height: int, width: int, scale: int, room: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    lr = torch.rand(1, 2, height, width, generator=generator, dtype=torch.float64)
    enlarged = 3 * torch.randn(1, 2, height * scale, width * scale, generator=generator).double()
    expected = _by_hand(enlarged, lr, scale, room)
    torch.testing.assert_close(antiring(enlarged, lr, scale=scale, room=room), expected)


@pytest.mark.parametrize("scale", SCALES)
def test_commutes_with_mirroring_and_turning(scale: int) -> None:
    lr = torch.rand(1, 1, 5, 6)
    enlarged = torch.randn(1, 1, 5 * scale, 6 * scale)
    clamped = antiring(enlarged, lr, scale=scale, room=0.5)
    mirrored = antiring(enlarged.flip(-1), lr.flip(-1), scale=scale, room=0.5)
    turned = antiring(enlarged.mT, lr.mT, scale=scale, room=0.5)
    assert torch.equal(mirrored, clamped.flip(-1))
    assert torch.equal(turned, clamped.mT)
