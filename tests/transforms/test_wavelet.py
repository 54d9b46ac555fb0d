"""Wavelets of any family: PyWavelets' bands, exact at every size, with right gradients."""

import subprocess
import sys

import numpy as np
import pytest
import pywt
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from srkit.errors import ConfigError
from srkit.transforms.haar import haar
from srkit.transforms.wavelet import Decomposition, Details, decompose, reconstruct, wavelet_names

# How far an image in [0, 1] may come back from itself after up to five levels.
ERRORS = {torch.float32: 1e-6, torch.float64: 1e-13}
LIMITED = {
    ("dmey", torch.float32): 1e-2,
    ("dmey", torch.float64): 1e-2,
    ("bior3.1", torch.float32): 5e-5,
    ("rbio3.1", torch.float32): 5e-5,
}


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def round_trip_error(wavelet: str, levels: int, size: tuple[int, int], dtype: torch.dtype) -> float:
    x = noise(1, 2, *size, dtype=dtype)
    rebuilt = reconstruct(decompose(x, wavelet, levels=levels), wavelet, size)
    assert rebuilt.shape == x.shape
    assert rebuilt.dtype == dtype
    return (rebuilt - x).abs().max().item()


@pytest.mark.filterwarnings("ignore:Level value")  # more levels than PyWavelets advises
@pytest.mark.parametrize("wavelet", wavelet_names())
def test_bands_are_those_of_pywavelets(wavelet: str) -> None:
    x = noise(1, 2, 13, 18)
    ours = decompose(x, wavelet, levels=3)
    theirs, *coarse_to_fine = pywt.wavedec2(x.numpy(), wavelet, mode="symmetric", level=3)
    np.testing.assert_allclose(ours.approximation.numpy(), theirs, atol=1e-9)
    for details, their_details in zip(ours.details, reversed(coarse_to_fine), strict=True):
        for band, their_band in zip(details, their_details, strict=True):
            np.testing.assert_allclose(band.numpy(), their_band, atol=1e-9)


@pytest.mark.parametrize("wavelet", wavelet_names())
@pytest.mark.parametrize("dtype", ERRORS)
def test_every_family_comes_back(wavelet: str, dtype: torch.dtype) -> None:
    error = round_trip_error(wavelet, 3, (7, 20), dtype)
    assert error <= LIMITED.get((wavelet, dtype), ERRORS[dtype])


@settings(deadline=None, database=None, max_examples=60)
@given(
    wavelet=st.sampled_from(wavelet_names()),
    levels=st.integers(1, 5),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    dtype=st.sampled_from(list(ERRORS)),
)
@example("db38", 5, 1, 1, torch.float64)
@example("sym20", 2, 5, 8, torch.float64)
@example("coif17", 4, 40, 1, torch.float32)
def test_every_size_comes_back(
    wavelet: str, levels: int, height: int, width: int, dtype: torch.dtype
) -> None:
    error = round_trip_error(wavelet, levels, (height, width), dtype)
    assert error <= LIMITED.get((wavelet, dtype), ERRORS[dtype])


def test_dmey_is_left_as_it_is() -> None:
    # It approximates an infinite filter: the docstring owns up to what that costs.
    assert round_trip_error("dmey", 1, (40, 40), torch.float64) > 1e-4


def test_haar_is_the_haar_of_the_models() -> None:
    x = noise(1, 2, 8, 6)
    ours = decompose(x, "haar")
    for band, models_band in zip((ours.approximation, *ours.details[0]), haar(x), strict=True):
        torch.testing.assert_close(band, models_band, atol=1e-15, rtol=0)


def test_details_run_from_fine_to_coarse() -> None:
    taps, length, lengths = 6, 40, []
    for _ in range(4):
        length = (length + taps - 1) // 2
        lengths.append(length)
    decomposition = decompose(noise(1, 1, 40, 1), "db3", levels=4)
    assert [details.diagonal.shape[-2] for details in decomposition.details] == lengths
    assert decomposition.approximation.shape == decomposition.details[-1].diagonal.shape


def test_a_band_is_never_shorter_than_half_the_filter() -> None:
    assert decompose(noise(1, 1, 1, 1), "db8").approximation.shape == (1, 1, 8, 8)


@pytest.mark.parametrize("wavelet", ["db4", "bior3.1", "coif2"])
def test_the_approximation_of_a_flat_image_doubles_with_every_level(wavelet: str) -> None:
    approximation, _ = decompose(torch.full((1, 1, 9, 5), 0.3), wavelet, levels=3)
    torch.testing.assert_close(approximation, torch.full_like(approximation, 8 * 0.3))


@pytest.mark.parametrize("size", [(1, 1), (5, 6)])
@pytest.mark.parametrize("wavelet", ["db2", "bior2.2"])
def test_gradients_are_right(wavelet: str, size: tuple[int, int]) -> None:
    # The border counts: pytorch-wavelets' own modules give other gradients there.
    def flat(decomposition: Decomposition) -> tuple[Tensor, ...]:
        bands = [band for details in decomposition.details for band in details]
        return (decomposition.approximation, *bands)

    def rebuild(approximation: Tensor, *bands: Tensor) -> Tensor:
        details = [Details(*bands[start : start + 3]) for start in range(0, len(bands), 3)]
        return reconstruct(Decomposition(approximation, details), wavelet, size)

    x = noise(1, 1, *size).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: flat(decompose(x, wavelet, levels=2)), (x,), fast_mode=True
    )
    bands = [band.detach().requires_grad_() for band in flat(decompose(x, wavelet, levels=2))]
    assert torch.autograd.gradcheck(rebuild, bands, fast_mode=True)


def test_details_learn_when_the_approximation_does_not() -> None:
    decomposition = decompose(noise(1, 1, 8, 8), "db2")
    detail = decomposition.details[0].horizontal.requires_grad_()
    reconstruct(decomposition, "db2", (8, 8)).square().sum().backward()
    assert detail.grad is not None
    assert detail.grad.abs().sum() > 0


def test_refuses_an_unknown_wavelet() -> None:
    with pytest.raises(ConfigError, match="unknown wavelet 'db99'") as refusal:
        decompose(noise(1, 1, 4, 4), "db99")
    assert refusal.value.hint is not None
    assert "haar" in refusal.value.hint
    with pytest.raises(ConfigError, match="unknown wavelet 'gaus1'"):  # continuous: no inverse
        reconstruct(decompose(noise(1, 1, 4, 4), "haar"), "gaus1", (4, 4))


def test_refuses_a_decomposition_without_levels() -> None:
    with pytest.raises(ConfigError, match="levels must be at least 1, got 0"):
        decompose(noise(1, 1, 4, 4), levels=0)


def test_importing_it_warns_of_nothing() -> None:
    # In a new process, because a package warns only when it is first imported.
    program = (
        "import torch, warnings; warnings.simplefilter('error');"
        "import srkit.transforms.wavelet, srkit.transforms.dual_tree"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
