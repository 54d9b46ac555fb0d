"""Every transform gives back every image, whatever its size: to 1e-6 in float32, 1e-13 in float64.

Every wavelet, at one to five levels, over every length from 1 to 40 of either side. Two families
are limited by their own filters, and say so: dmey, and in float32 bior3.1 and rbio3.1.
"""

from collections.abc import Iterator

import pytest
import torch

from srkit.transforms.dual_tree import FIRST_FILTERS, LATER_FILTERS, dual_tree, inverse_dual_tree
from srkit.transforms.haar import haar, inverse_haar
from srkit.transforms.laplacian import collapse, laplacian_pyramid
from srkit.transforms.wavelet import decompose, reconstruct, wavelet_names

pytestmark = pytest.mark.promise

LEVELS = range(1, 6)
ERRORS = {torch.float32: 1e-6, torch.float64: 1e-13}
LIMITED = {
    ("dmey", torch.float32): 1e-2,
    ("dmey", torch.float64): 1e-2,
    ("bior3.1", torch.float32): 5e-5,
    ("rbio3.1", torch.float32): 5e-5,
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Leave tensors this small to one thread: two would only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def images(dtype: torch.dtype) -> Iterator[tuple[torch.Tensor, tuple[int, int]]]:
    generator = torch.Generator().manual_seed(0)
    for height in range(1, 41):
        size = (height, 41 - height)  # so every length meets the other axis too
        yield torch.rand(1, 1, *size, dtype=dtype, generator=generator), size


@pytest.mark.parametrize("dtype", ERRORS)
@pytest.mark.parametrize("wavelet", wavelet_names())
def test_every_wavelet_inverts(wavelet: str, dtype: torch.dtype) -> None:
    limit = LIMITED.get((wavelet, dtype), ERRORS[dtype])
    for x, size in images(dtype):
        for levels in LEVELS:
            rebuilt = reconstruct(decompose(x, wavelet, levels=levels), wavelet, size)
            error = (rebuilt - x).abs().max().item()
            assert error <= limit, f"{wavelet}, {levels} levels, {size}: {error:.1e}"


@pytest.mark.parametrize("dtype", ERRORS)
@pytest.mark.parametrize("later", LATER_FILTERS)
@pytest.mark.parametrize("first", FIRST_FILTERS)
def test_every_dual_tree_inverts(first: str, later: str, dtype: torch.dtype) -> None:
    for x, size in images(dtype):
        for levels in LEVELS:
            tree = dual_tree(x, levels=levels, first=first, later=later)
            error = (inverse_dual_tree(tree, size, first=first, later=later) - x).abs().max().item()
            assert error <= ERRORS[dtype], f"{levels} levels, {size}: {error:.1e}"


@pytest.mark.parametrize("dtype", ERRORS)
def test_haar_and_the_laplacian_pyramid_invert(dtype: torch.dtype) -> None:
    for height in range(1, 41):
        for width in range(1, 41):
            x = torch.rand(1, 1, height, width, dtype=dtype)
            rebuilt = [inverse_haar(haar(x), (height, width))]
            rebuilt += [collapse(laplacian_pyramid(x, levels)) for levels in LEVELS]
            for one in rebuilt:
                assert (one - x).abs().max() <= ERRORS[dtype], f"{height}x{width}"
