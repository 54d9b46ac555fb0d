"""The geometry of tiles: every promise of the module's convention, over all kinds of images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srkit.inference.tiling import (
    WHOLE_IMAGE_PIXELS,
    Region,
    Tile,
    choose_tile,
    plan_tiles,
)

sides = st.integers(1, 50)
plans = st.tuples(
    sides, sides, st.integers(1, 60), st.integers(0, 20), st.sampled_from([1, 2, 3, 4, 8, 16])
)
Plan = tuple[int, int, int, int, int]


def tiles_of(plan: Plan) -> list[Tile]:
    height, width, tile, halo, multiple = plan
    return plan_tiles(height, width, tile=tile, halo=halo, multiple=multiple)


@settings(deadline=None)
@given(plans)
def test_cores_cover_every_pixel_once(plan: Plan) -> None:
    count = np.zeros(plan[:2], int)
    for tile in tiles_of(plan):
        assert tile.core.height >= 1
        assert tile.core.width >= 1
        count[tile.core.rows, tile.core.columns] += 1
    assert (count == 1).all()


@settings(deadline=None)
@given(plans)
def test_padded_regions_reach_the_halo_or_the_edge(plan: Plan) -> None:
    height, width, _, halo, _ = plan
    for tile in tiles_of(plan):
        core, padded = tile.core, tile.padded
        assert 0 <= padded.top <= max(0, core.top - halo)
        assert 0 <= padded.left <= max(0, core.left - halo)
        assert height >= padded.bottom >= min(height, core.bottom + halo)
        assert width >= padded.right >= min(width, core.right + halo)


@settings(deadline=None)
@given(plans)
def test_everything_lies_on_the_grid_of_the_model(plan: Plan) -> None:
    height, width, _, _, multiple = plan
    for tile in tiles_of(plan):
        for region in (tile.core, tile.padded):
            assert region.top % multiple == region.left % multiple == 0
            assert region.bottom % multiple == 0 or region.bottom == height
            assert region.right % multiple == 0 or region.right == width


@settings(deadline=None)
@given(plans)
def test_no_tile_is_larger_than_asked(plan: Plan) -> None:
    _, _, side, halo, multiple = plan
    largest = max(side, multiple)
    for tile in tiles_of(plan):
        assert max(tile.core.height, tile.core.width) <= largest
        margin = 2 * (halo + multiple - 1)
        assert max(tile.padded.height, tile.padded.width) <= largest + margin


@settings(deadline=None)
@given(plans)
def test_only_the_last_row_and_column_are_smaller(plan: Plan) -> None:
    height, width, *_ = plan
    tiles = tiles_of(plan)
    first = tiles[0].core
    for tile in tiles:
        assert tile.core.height == first.height or tile.core.bottom == height
        assert tile.core.width == first.width or tile.core.right == width
        assert tile.core.height <= first.height
        assert tile.core.width <= first.width


def test_an_image_a_little_over_the_tile_is_halved_not_cut_at_the_edge() -> None:
    assert [tile.core for tile in plan_tiles(64, 65, tile=64, halo=4)] == [
        Region(0, 0, 64, 33),
        Region(0, 33, 64, 65),
    ]


def test_regions_scale_and_move() -> None:
    core, padded = Region(10, 20, 30, 50), Region(6, 12, 34, 58)
    assert core.within(padded) == Region(4, 8, 24, 38)
    assert core.scaled(3) == Region(30, 60, 90, 150)
    pixels = np.arange(60 * 70).reshape(60, 70)
    inner = core.within(padded)
    assert np.array_equal(
        pixels[padded.rows, padded.columns][inner.rows, inner.columns],
        pixels[core.rows, core.columns],
    )


@pytest.mark.parametrize(
    ("height", "width", "halo", "tile"),
    [
        (512, 512, 20, 512),  # run whole
        (1, WHOLE_IMAGE_PIXELS, 20, WHOLE_IMAGE_PIXELS),
        (513, 512, 20, 256),
        (4000, 6000, 0, 256),
        (4000, 6000, 40, 320),
        (4000, 6000, 100, 512),
    ],
)
def test_a_tile_is_chosen_by_size_and_halo(height: int, width: int, halo: int, tile: int) -> None:
    assert choose_tile(height, width, halo=halo) == tile
