"""The dual-tree complex wavelet transform: exact, directional, nearly blind to shifts."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from srkit.errors import ConfigError
from srkit.transforms.dual_tree import (
    FIRST_FILTERS,
    LATER_FILTERS,
    DualTree,
    dual_tree,
    inverse_dual_tree,
)
from srkit.transforms.wavelet import decompose

DIRECTIONS = [15, 45, 75, 105, 135, 165]


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


@settings(deadline=None, database=None, max_examples=50)
@given(
    first=st.sampled_from(FIRST_FILTERS),
    later=st.sampled_from(LATER_FILTERS),
    levels=st.integers(1, 5),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    precision=st.sampled_from([(torch.float32, 1e-6), (torch.float64, 1e-13)]),
)
def test_every_size_comes_back(
    first: str,
    later: str,
    levels: int,
    height: int,
    width: int,
    precision: tuple[torch.dtype, float],
) -> None:
    dtype, error = precision
    x = noise(1, 2, height, width, dtype=dtype)
    tree = dual_tree(x, levels=levels, first=first, later=later)
    rebuilt = inverse_dual_tree(tree, (height, width), first=first, later=later)
    torch.testing.assert_close(rebuilt, x, atol=error, rtol=0)


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_each_band_answers_to_edges_in_its_direction(level: int, direction: int) -> None:
    y, x = torch.meshgrid(*[torch.arange(64, dtype=torch.float64)] * 2, indexing="ij")
    angle = math.radians(direction)
    # Rows count downwards, so counter-clockwise is towards smaller y.
    across = x * math.sin(angle) + y * math.cos(angle)
    waves = torch.cos(2 * math.pi * 0.72 / 2**level * across)[None, None]
    inside = dual_tree(waves, levels=level).bands[-1][0, 0, :, 1:-1, 1:-1]
    strength = inside.abs().square().sum(dim=(1, 2))
    assert DIRECTIONS[int(strength.argmax())] == direction


def test_bands_hardly_change_when_the_image_moves() -> None:
    edge = torch.zeros(1, 1, 64, 160, dtype=torch.float64)
    edge[..., 80:] = 1
    moved = [edge.roll(shift, dims=-1)[..., 16:-16] for shift in range(8)]
    ours = torch.stack([dual_tree(x, levels=3).bands[-1].abs().square().sum() for x in moved])
    details = [torch.cat(decompose(x, "db4", levels=3).details[-1]) for x in moved]
    plain = torch.stack([detail.square().sum() for detail in details])
    assert ours.std() / ours.mean() < 0.2 * plain.std() / plain.mean()


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (13, 18), (40, 39)])
def test_bands_halve_rounding_up_and_are_complex(size: tuple[int, int]) -> None:
    tree = dual_tree(noise(2, 3, *size, dtype=torch.float32), levels=4)
    height, width = size
    for band in tree.bands:
        height, width = math.ceil(height / 2), math.ceil(width / 2)
        assert band.shape == (2, 3, 6, height, width)
        assert band.dtype == torch.complex64
    assert tree.approximation.shape == (2, 3, 2 * height, 2 * width)


def test_odd_sides_are_extended_by_repeating_the_last() -> None:
    x = noise(1, 1, 5, 7)
    extended = torch.nn.functional.pad(x, (0, 1, 0, 1), mode="replicate")
    torch.testing.assert_close(dual_tree(x, levels=2), dual_tree(extended, levels=2))


@pytest.mark.parametrize("size", [(1, 1), (5, 6)])
def test_gradients_are_right(size: tuple[int, int]) -> None:
    def split(x: Tensor) -> tuple[Tensor, ...]:
        approximation, bands = dual_tree(x, levels=2)
        return (approximation, *bands)

    x = noise(1, 1, *size).requires_grad_()
    assert torch.autograd.gradcheck(split, (x,), fast_mode=True)
    parts = [part.detach().requires_grad_() for part in split(x)]
    assert torch.autograd.gradcheck(
        lambda first, *bands: inverse_dual_tree(DualTree(first, list(bands)), size),
        parts,
        fast_mode=True,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": 0}, "levels must be at least 1, got 0"),
        ({"first": "haar"}, "unknown first filters 'haar': choose one of near_sym_a"),
        ({"later": "haar"}, "unknown later filters 'haar': choose one of qshift_a"),
    ],
)
def test_refuses_what_cannot_work(options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dual_tree(noise(1, 1, 4, 4), **options)  # type: ignore[arg-type]
