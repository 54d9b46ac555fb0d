"""The local form at a position is the global form of the window around it."""

import pytest
import torch

from srkit.layers.attention import create_attention
from srkit.layers.attention.attention import Attention
from srkit.layers.attention.cells import grid_for, into_cells, out_of_cells

from ..layer_making import randomised

HEIGHT, WIDTH = 17, 14


def both_forms(name: str, window: int) -> tuple[Attention, Attention]:
    """Build an attention of windows, and one of the whole image with the same weights."""
    local = randomised(create_attention(name, 16, window=window)).double()
    whole = create_attention(name, 16).double().eval()
    whole.load_state_dict(local.state_dict())
    return local, whole


@pytest.mark.parametrize("window", [1, 4, 7])
@pytest.mark.parametrize("name", ["se", "eca", "gc", "srm", "gct", "fca", "simam", "coordinate"])
def test_windows_of_pixels(name: str, window: int) -> None:
    local, whole = both_forms(name, window)
    x = torch.randn(2, 16, HEIGHT, WIDTH, dtype=torch.float64)
    made = local(x)
    for row, column in [(0, 0), (1, 6), (8, 7), (16, 13), (15, 2)]:
        top, left = max(row - window // 2, 0), max(column - window // 2, 0)
        bottom, right = row + (window - 1) // 2 + 1, column + (window - 1) // 2 + 1
        expected = whole(x[:, :, top:bottom, left:right])[:, :, row - top, column - left]
        torch.testing.assert_close(made[:, :, row, column], expected)


@pytest.mark.parametrize("window", [3, 8, 13])
@pytest.mark.parametrize("name", ["non_local", "soca"])
def test_windows_of_cells(name: str, window: int) -> None:
    local, whole = both_forms(name, window)
    x = torch.randn(1, 16, HEIGHT, WIDTH, dtype=torch.float64)
    made = local(x)
    cell, reach = grid_for(window)
    assert cell + 2 * reach in (window, window - 1)
    for row in range(0, HEIGHT, cell):
        for column in range(0, WIDTH, cell):
            top, left = max(row - reach, 0), max(column - reach, 0)
            around = whole(x[:, :, top : row + cell + reach, left : column + cell + reach])
            expected = around[:, :, row - top :, column - left :][:, :, :cell, :cell]
            torch.testing.assert_close(
                made[:, :, row : row + cell, column : column + cell], expected
            )


@pytest.mark.parametrize("window", [2, 4, 8, 11])
def test_windows_of_wavelets(window: int) -> None:
    """The window is a whole one everywhere: near the border it is moved inside."""
    local, whole = both_forms("wavenet_c", window)
    x = torch.randn(2, 16, HEIGHT, WIDTH, dtype=torch.float64)
    made = local(x)
    side = {2: 2, 4: 4, 8: 8, 11: 8}[window]
    for row, column in [(0, 0), (1, 6), (8, 7), (16, 13), (15, 2)]:
        top = min(max(row - side // 2, 0), HEIGHT - side)
        left = min(max(column - side // 2, 0), WIDTH - side)
        around = whole(x[:, :, top : top + side, left : left + side])
        torch.testing.assert_close(made[:, :, row, column], around[:, :, row - top, column - left])


@pytest.mark.parametrize("size", [(8, 8), (3, 5), (17, 14)])
def test_cells_put_together_are_the_map(size: tuple[int, int]) -> None:
    x = torch.randn(2, 3, *size)
    grid = grid_for(20)
    assert torch.equal(out_of_cells(into_cells(x, grid), grid, size), x)
