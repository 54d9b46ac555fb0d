"""The Laplacian pyramid: kornia's where kornia is right, and exact everywhere."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kornia.geometry.transform import build_laplacian_pyramid, pyrdown, pyrup
from torch import Tensor

from srkit.errors import ConfigError
from srkit.transforms.laplacian import collapse, expand, laplacian_pyramid, reduce


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(2, 2), (6, 8), (40, 22)])
def test_reduce_is_kornias_for_even_sides(size: tuple[int, int]) -> None:
    x = noise(2, 3, *size)
    torch.testing.assert_close(reduce(x), pyrdown(x, border_type="replicate"), atol=1e-14, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (20, 11)])
def test_expand_is_kornias_when_it_doubles(size: tuple[int, int]) -> None:
    x = noise(2, 3, *size)
    ours = expand(x, (2 * size[0], 2 * size[1]))
    torch.testing.assert_close(ours, pyrup(x, border_type="replicate"), atol=1e-14, rtol=0)


def test_the_pyramid_is_kornias_for_powers_of_two() -> None:
    x = noise(1, 3, 16, 64)
    # kornia counts the approximation as a level.
    theirs = build_laplacian_pyramid(x, max_level=4, border_type="replicate")
    torch.testing.assert_close(laplacian_pyramid(x, 3), theirs, atol=1e-14, rtol=0)


def test_reduce_is_the_binomial_of_six() -> None:
    x = torch.zeros(1, 1, 16, 16, dtype=torch.float64)
    x[..., 8, 8] = 1
    response = torch.tensor([0, 0, 0, 5, 10, 1, 0, 0], dtype=torch.float64) / 32
    torch.testing.assert_close(reduce(x)[0, 0], response[:, None] * response)


def test_expand_is_the_binomial_of_eight() -> None:
    x = torch.zeros(1, 1, 9, 9, dtype=torch.float64)
    x[..., 4, 4] = 1
    response = torch.zeros(18, dtype=torch.float64)
    response[5:13] = torch.tensor([1, 7, 21, 35, 35, 21, 7, 1]) / 64
    torch.testing.assert_close(expand(x, (18, 18))[0, 0], response[:, None] * response)


def test_pixels_stay_where_they_are() -> None:
    fine = torch.arange(24, dtype=torch.float64).expand(1, 1, 24, 24)
    coarse = torch.arange(12, dtype=torch.float64).expand(1, 1, 12, 12)
    inside = slice(3, -3)
    # A coarse pixel k lies between the fine ones 2k and 2k + 1.
    torch.testing.assert_close(reduce(fine)[..., inside], 2 * coarse[..., inside] + 0.5)
    torch.testing.assert_close(expand(coarse, (24, 24))[..., 6:-6], (fine[..., 6:-6] - 0.5) / 2)


def test_a_flat_image_stays_flat() -> None:
    flat = torch.full((1, 1, 5, 7), 0.3, dtype=torch.float64)
    torch.testing.assert_close(reduce(flat), flat[..., :3, :4])
    torch.testing.assert_close(expand(flat, (9, 14)), flat.new_full((1, 1, 9, 14), 0.3))


def test_sides_halve_rounding_up_and_the_approximation_is_last() -> None:
    shapes = [tuple(level.shape[-2:]) for level in laplacian_pyramid(noise(1, 1, 13, 6), 5)]
    assert shapes == [(13, 6), (7, 3), (4, 2), (2, 1), (1, 1), (1, 1)]


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (9, 3)])
def test_odd_sides_are_extended_by_repeating_the_last(size: tuple[int, int]) -> None:
    x = noise(1, 2, *size)
    extended = torch.nn.functional.pad(x, (0, size[1] % 2, 0, size[0] % 2), mode="replicate")
    assert torch.equal(reduce(x), reduce(extended))


def test_the_border_holds_the_edge_pixel() -> None:
    x = noise(1, 1, 8, 8)
    held = torch.nn.functional.pad(x, (4, 4, 4, 4), mode="replicate")
    torch.testing.assert_close(reduce(x), reduce(held)[..., 2:-2, 2:-2])
    torch.testing.assert_close(expand(x, (16, 16)), expand(held, (32, 32))[..., 8:-8, 8:-8])


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-6), (torch.float64, 1e-13)])
@pytest.mark.parametrize("levels", [1, 3, 6])
def test_every_length_comes_back(dtype: torch.dtype, error: float, levels: int) -> None:
    for length in range(1, 41):
        x = noise(1, 1, length, 41 - length, dtype=dtype)
        rebuilt = collapse(laplacian_pyramid(x, levels))
        torch.testing.assert_close(rebuilt, x, atol=error, rtol=0)


@settings(deadline=None, database=None, max_examples=60)
@given(height=st.integers(1, 40), width=st.integers(1, 40), levels=st.integers(1, 7))
def test_every_size_comes_back(height: int, width: int, levels: int) -> None:
    x = noise(2, 3, height, width)
    torch.testing.assert_close(collapse(laplacian_pyramid(x, levels)), x, atol=1e-13, rtol=0)


def test_expand_reads_two_coarse_pixels_each_side() -> None:
    x = noise(1, 1, 11, 11)
    touched = x.clone()
    touched[..., 5, 5] += 1
    changed = (expand(touched, (22, 22)) != expand(x, (22, 22)))[0, 0].any(dim=0).nonzero() // 2
    assert (changed.min().item(), changed.max().item()) == (5 - 2, 5 + 2)


@pytest.mark.parametrize("size", [(1, 1), (5, 4)])
def test_gradients_are_right(size: tuple[int, int]) -> None:
    x = noise(1, 1, *size).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(laplacian_pyramid(x, 2)), (x,))
    levels = [level.detach().requires_grad_() for level in laplacian_pyramid(x, 2)]
    assert torch.autograd.gradcheck(lambda *levels: collapse(list(levels)), levels)


def test_one_export_serves_every_size() -> None:
    class Pyramid(torch.nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            detail, coarse = laplacian_pyramid(x, 1)
            return collapse([2 * detail, coarse])

    dynamic = {"x": {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}}
    exported = torch.export.export(Pyramid(), (noise(1, 3, 12, 10),), dynamic_shapes=dynamic)
    # The guards are about memory layouts, which ONNX does not know.
    module = exported.module(check_guards=False)
    for size in [(16, 24), (17, 23), (5, 8)]:
        x = noise(1, 3, *size)
        torch.testing.assert_close(module(x), Pyramid()(x))


@pytest.mark.parametrize("levels", [0, -1])
def test_refuses_a_pyramid_without_levels(levels: int) -> None:
    with pytest.raises(ConfigError, match=f"levels must be at least 1, got {levels}"):
        laplacian_pyramid(noise(1, 1, 4, 4), levels)
