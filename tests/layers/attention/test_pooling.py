"""Pooling against the plain sum over each window, and where plain sums would lose digits."""

import pytest
import torch
from torch import Tensor

from srkit.layers.attention import pooling

HEIGHT, WIDTH = 9, 7
WINDOWS = [*range(1, 11), 13, 16, 17, 18, 40]


def window_of(x: Tensor, row: int, column: int, window: int) -> Tensor:
    """Give the pixels that the window around a position has inside the image, (B, C, n)."""
    before, after = window // 2, (window - 1) // 2
    rows = slice(max(row - before, 0), row + after + 1)
    columns = slice(max(column - before, 0), column + after + 1)
    return x[:, :, rows, columns].flatten(2)


@pytest.fixture
def x() -> Tensor:
    """Give features of (B, C, H, W)."""
    torch.manual_seed(0)
    return torch.randn(2, 3, HEIGHT, WIDTH, dtype=torch.float64)


@pytest.mark.parametrize("window", WINDOWS)
def test_windows_hold_what_a_loop_finds(x: Tensor, window: int) -> None:
    # Logits far apart: a softmax that is not shifted for each window gives 0 / 0.
    logits = 300 * torch.randn(2, 1, HEIGHT, WIDTH, dtype=torch.float64)
    totals, means = pooling.total(x, window), pooling.mean(x, window)
    maxima, moments = pooling.maximum(x, window), pooling.moments(x, window)
    softmax_means, _ = pooling.softmax_mean(logits, x, window)
    entropies = pooling.entropy(x, window)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            pixels = window_of(x, row, column, window)
            weights = window_of(logits, row, column, window).softmax(2)
            found = {
                totals: pixels.sum(2),
                means: pixels.mean(2),
                maxima: pixels.amax(2),
                moments.mean: pixels.mean(2),
                moments.squares: pixels.shape[2] * pixels.var(2, correction=0),
                softmax_means: (weights * pixels).sum(2),
                entropies: -(pixels.softmax(2) * pixels.log_softmax(2)).sum(2),
            }
            for pooled, expected in found.items():
                torch.testing.assert_close(pooled[:, :, row, column], expected)
            assert moments.pixels[0, 0, row, column] == pixels.shape[2]


def test_the_whole_image_is_one_window(x: Tensor) -> None:
    pixels = x.flatten(2)
    assert pooling.mean(x).shape == (2, 3, 1, 1)
    torch.testing.assert_close(pooling.total(x).flatten(1), pixels.sum(2))
    torch.testing.assert_close(pooling.mean(x).flatten(1), pixels.mean(2))
    torch.testing.assert_close(pooling.maximum(x).flatten(1), pixels.amax(2))
    variance = pooling.moments(x).squares / (HEIGHT * WIDTH)
    torch.testing.assert_close(variance.flatten(1), pixels.var(2, correction=0))
    logits = 300 * torch.randn(2, 1, HEIGHT, WIDTH, dtype=torch.float64)
    softmax_mean, _ = pooling.softmax_mean(logits, x)
    weights = logits.flatten(2).softmax(2)
    torch.testing.assert_close(softmax_mean.flatten(1), (weights * pixels).sum(2))


@pytest.mark.parametrize("window", [None, 5])
def test_one_axis_is_pooled_alone(x: Tensor, window: int | None) -> None:
    by_row = pooling.mean(x, window, (3,))
    row = pooling.mean(x[:, :, 4:5], window)
    torch.testing.assert_close(by_row[:, :, 4:5], row)


@pytest.mark.parametrize("window", [None, 1, 4, 5, 30])
def test_gradients_are_those_of_finite_differences(window: int | None) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    logits = torch.randn(1, 1, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: pooling.mean(x, window), x)
    assert torch.autograd.gradcheck(lambda x: pooling.maximum(x, window), x)
    assert torch.autograd.gradcheck(lambda x: pooling.moments(x, window).squares, x)
    assert torch.autograd.gradcheck(lambda x: pooling.entropy(x, window), x)
    assert torch.autograd.gradcheck(
        lambda logits, x: pooling.softmax_mean(logits, x, window)[0], (logits, x)
    )


@pytest.mark.parametrize("window", [None, 33])
def test_a_small_variance_around_a_large_mean_survives_float32(window: int | None) -> None:
    """The mean of squares less the square of the mean has no correct digit here."""
    torch.manual_seed(0)
    x = 1000 + 0.1 * torch.randn(1, 1, 48, 48)
    pixels, _, squares = pooling.moments(x, window)
    exact = pooling.moments(x.double(), window)
    torch.testing.assert_close(
        squares / pixels, (exact.squares / exact.pixels).float(), atol=0, rtol=1e-3
    )


def test_half_precision_sums_up_in_float32() -> None:
    x = torch.full((1, 1, 200, 200), 30.0, dtype=torch.float16)
    assert pooling.total(x).item() == 30 * 200 * 200
    assert pooling.total(x, 150)[0, 0, 100, 100] == 30 * 150 * 150
    assert pooling.mean(x, 150).dtype == torch.float16
    assert pooling.mean(x, 150)[0, 0, 100, 100] == 30


def test_entropy_is_that_of_the_pixels_counted() -> None:
    flat = torch.full((1, 1, 6, 8), 3.0, dtype=torch.float64)
    assert pooling.entropy(flat).item() == pytest.approx(torch.tensor(48.0).log().item())
    assert pooling.entropy(flat, 3)[0, 0, 0, 0].item() == pytest.approx(1.3862943611198906)  # ln 4
    peak = torch.zeros(1, 1, 6, 8, dtype=torch.float64)
    peak[..., 2, 3] = 60
    assert pooling.entropy(peak).item() < 1e-20
    torch.manual_seed(0)
    x = torch.randn(1, 3, 6, 8, dtype=torch.float64)
    torch.testing.assert_close(pooling.entropy(x + 7, 5), pooling.entropy(x, 5))


def test_the_radius_is_half_the_window() -> None:
    assert [pooling.pooling_radius(window) for window in (None, 1, 2, 3, 48)] == [None, 0, 1, 1, 24]
