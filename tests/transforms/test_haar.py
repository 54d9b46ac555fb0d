"""The Haar transform: PyWavelets' bands, exact at every size, ready for export."""

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from srkit.transforms.haar import Bands, haar, inverse_haar


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(2, 2), (8, 6), (40, 2)])
def test_bands_are_those_of_pywavelets(size: tuple[int, int]) -> None:
    x = noise(2, 3, *size)
    approximation, details = pywt.dwt2(x.numpy(), "haar")
    for ours, theirs in zip(haar(x), (approximation, *details), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-15)


def test_signs_are_as_written() -> None:
    p, q, r, s = 1.0, 5.0, -2.0, 7.0
    bands = haar(torch.tensor([[[[p, q], [r, s]]]]))
    assert [band.item() for band in bands] == [
        (p + q + r + s) / 2,
        (p + q - r - s) / 2,
        (p - q + r - s) / 2,
        (p - q - r + s) / 2,
    ]


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("horizontal", [[1.0, 1.0], [0.0, 0.0]]),  # an edge that runs from left to right
        ("vertical", [[1.0, 0.0], [1.0, 0.0]]),
        ("diagonal", [[0.5, -0.5], [-0.5, 0.5]]),
    ],
)
def test_bands_are_named_by_the_edges_they_answer_to(name: str, block: list[list[float]]) -> None:
    bands = haar(torch.tensor(block)[None, None])._asdict()
    assert bands.pop(name).item() == 1
    del bands["approximation"]
    assert all(band.item() == 0 for band in bands.values())


def test_the_approximation_of_a_flat_image_is_twice_its_brightness() -> None:
    approximation, *details = haar(torch.full((1, 1, 5, 4), 0.3))
    torch.testing.assert_close(approximation, torch.full((1, 1, 3, 2), 0.6))
    assert all(not band.any() for band in details)


@pytest.mark.parametrize("size", [(1, 1), (5, 8), (8, 5), (7, 3)])
def test_odd_sides_are_extended_by_repeating_the_last(size: tuple[int, int]) -> None:
    x = noise(1, 2, *size)
    height, width = size
    extended = np.pad(x.numpy(), ((0, 0), (0, 0), (0, height % 2), (0, width % 2)), "edge")
    for odd, even in zip(haar(x), haar(torch.from_numpy(extended)), strict=True):
        assert torch.equal(odd, even)


def test_energy_is_preserved_for_even_sides() -> None:
    x = noise(1, 3, 12, 34)
    assert sum(band.square().sum().item() for band in haar(x)) == pytest.approx(
        x.square().sum().item(), rel=1e-14
    )


def test_bands_of_an_image_stay_in_their_ranges() -> None:
    approximation, *details = haar(noise(1, 1, 64, 64).round())
    assert approximation.min() >= 0
    assert approximation.max() <= 2
    assert all(band.abs().max() <= 1 for band in details)


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-6), (torch.float64, 1e-13)])
def test_every_length_comes_back(dtype: torch.dtype, error: float) -> None:
    for length in range(1, 41):
        x = noise(1, 1, length, 41 - length, dtype=dtype)
        rebuilt = inverse_haar(haar(x), (length, 41 - length))
        torch.testing.assert_close(rebuilt, x, atol=error, rtol=0)


@settings(deadline=None, database=None, max_examples=60)
@given(height=st.integers(1, 40), width=st.integers(1, 40), batch=st.integers(1, 3))
def test_every_size_comes_back(height: int, width: int, batch: int) -> None:
    x = noise(batch, 2, height, width)
    rebuilt = inverse_haar(haar(x), (height, width))
    torch.testing.assert_close(rebuilt, x, atol=1e-13, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (5, 4)])
def test_gradients_are_right(size: tuple[int, int]) -> None:
    x = noise(1, 2, *size).requires_grad_()
    assert torch.autograd.gradcheck(haar, (x,))
    bands = [band.detach().requires_grad_() for band in haar(x)]
    assert torch.autograd.gradcheck(lambda *bands: inverse_haar(Bands(*bands), size), bands)


class SharpenedThere(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        bands = haar(x)
        height, width = x.shape[-2:]
        return inverse_haar(bands._replace(diagonal=2 * bands.diagonal), (height, width))


OTHER_SIZES = [(16, 24), (20, 30), (17, 23), (2, 2)]


def test_one_export_serves_every_size() -> None:
    dynamic = {"x": {2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}}
    exported = torch.export.export(SharpenedThere(), (noise(1, 3, 12, 10),), dynamic_shapes=dynamic)
    # The guards are about memory layouts, which ONNX does not know.
    module = exported.module(check_guards=False)
    for size in OTHER_SIZES:
        x = noise(1, 3, *size)
        assert torch.equal(module(x), SharpenedThere()(x))


def test_compiles_in_one_piece() -> None:
    compiled = torch.compile(SharpenedThere(), backend="eager", fullgraph=True, dynamic=True)
    for size in OTHER_SIZES:
        x = noise(1, 3, *size)
        assert torch.equal(compiled(x), SharpenedThere()(x))
