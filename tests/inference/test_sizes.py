"""Sizes of results, and the scales that lead to them."""

import math
from itertools import product

import pytest

from srkit.errors import ConfigError, SrkitError
from srkit.inference.sizes import Enlargement, scale_chain


@pytest.mark.parametrize(
    ("enlargement", "image", "size"),
    [
        (Enlargement(scale=4), (3, 5), (12, 20)),
        (Enlargement(scale=1.5), (3, 5), (5, 8)),  # 4.5 and 7.5: halves up
        (Enlargement(scale=1.1), (1, 10), (1, 11)),
        (Enlargement(scale=16), (1, 1), (16, 16)),
        (Enlargement(width=1000), (200, 333), (601, 1000)),  # 600.6
        (Enlargement(height=1000), (333, 200), (1000, 601)),
        (Enlargement(width=800, height=300), (100, 200), (300, 600)),
        (Enlargement(width=500, height=900), (100, 200), (250, 500)),
        (Enlargement(width=400, height=200), (100, 200), (200, 400)),
    ],
)
def test_sizes(enlargement: Enlargement, image: tuple[int, int], size: tuple[int, int]) -> None:
    assert enlargement.size(*image) == size


@pytest.mark.parametrize(
    ("scale", "width", "height", "message"),
    [
        (None, None, None, "got none of them"),
        (2, 100, None, "got --scale 2 and --width 100"),
        (1, None, None, "above 1 and at most 16, got 1"),
        (16.5, None, None, "got 16.5"),
        (math.nan, None, None, "got nan"),
        (None, 0, None, "at least 1, got 0"),
        (None, 100, -5, "at least 1, got -5"),
    ],
)
def test_impossible_wishes_are_refused(
    scale: float | None, width: int | None, height: int | None, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Enlargement(scale=scale, width=width, height=height)


@pytest.mark.parametrize("width", [100, 99, 1601])
def test_an_image_that_would_shrink_or_grow_too_far_is_refused(width: int) -> None:
    with pytest.raises(SrkitError, match=f"100x50 pixels cannot be enlarged to fit {width}w"):
        Enlargement(width=width).size(50, 100)


@pytest.mark.parametrize("available", [{2}, {3}, {4}, {8}, {2, 3}, {2, 4}, {2, 3, 4, 8}])
@pytest.mark.parametrize("at_least", range(1, 17))
def test_no_chain_wastes_less(available: set[int], at_least: int) -> None:
    chain = scale_chain(available, at_least)
    every = [c for n in range(1, 5) for c in product(available, repeat=n)]
    enough = [c for c in every if math.prod(c) >= at_least]
    least = min(math.prod(c) for c in enough)
    assert math.prod(chain) == least
    assert len(chain) == min(len(c) for c in enough if math.prod(c) == least)
    assert set(chain) <= available
    assert list(chain) == sorted(chain)
