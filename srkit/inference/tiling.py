"""Where an image is cut into tiles: pure geometry, no pixels.

Convention
    A tile's *core* is what it contributes to the result; the cores cover the image exactly once.
    The model sees the *padded* region: the core and `halo` pixels around it, clipped to the image.
    When the halo is at least the model's receptive field, nothing outside the padded region can
    reach the core, so the tiled result equals the untiled one (up to float rounding).
    Cores and padded regions start at multiples of the model's size multiple, and end at multiples
    or at the image's edge: a strided model sees the same grid in a tile as in the whole image.
    The cores of an image are as equal as that allows, so that few shapes occur; only the last row
    and column may be smaller.
"""

from dataclasses import dataclass
from typing import NamedTuple

# Up to here an image is run whole: the work of the halos is saved and the memory is moderate.
WHOLE_IMAGE_PIXELS = 512 * 512
SMALLEST_AUTO_TILE, LARGEST_AUTO_TILE = 256, 512


class Region(NamedTuple):
    """A rectangle of pixels; `bottom` and `right` are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def rows(self) -> slice:
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.right)

    def scaled(self, scale: int) -> "Region":
        """Give the same rectangle in an image `scale` times as large."""
        return Region(*(scale * edge for edge in self))

    def within(self, outer: "Region") -> "Region":
        """Give the same rectangle, counted from the corner of `outer`."""
        return Region(
            self.top - outer.top,
            self.left - outer.left,
            self.bottom - outer.top,
            self.right - outer.left,
        )


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One piece of work: read `padded`, enlarge it, keep `core`. Both in LR pixels."""

    core: Region
    padded: Region


def plan_tiles(height: int, width: int, *, tile: int, halo: int, multiple: int = 1) -> list[Tile]:
    """Cut an image into tiles, row by row.

    A core is at most `tile` pixels high and wide (at most `multiple`, if that is larger), and
    the halo at most `halo` rounded up to a multiple of `multiple`.

    >>> [tile.core for tile in plan_tiles(4, 10, tile=6, halo=1)]
    [Region(top=0, left=0, bottom=4, right=5), Region(top=0, left=5, bottom=4, right=10)]
    """
    assert min(height, width, tile, multiple) >= 1, "an image, a tile and a grid have a size"
    assert halo >= 0, "a halo adds pixels"
    halo = _round_up(halo, multiple)
    return [
        Tile(
            core=Region(top, left, bottom, right),
            padded=Region(
                max(0, top - halo),
                max(0, left - halo),
                min(height, bottom + halo),
                min(width, right + halo),
            ),
        )
        for top, bottom in _cuts(height, tile, multiple)
        for left, right in _cuts(width, tile, multiple)
    ]


def choose_tile(height: int, width: int, *, halo: int) -> int:
    """Choose the tile that an image is cut into when nobody says.

    A small image is run whole. Otherwise a tile is 256 LR pixels, where a CPU's caches still
    help, and more under a wide halo, whose work is lost: eight halos, up to 512.
    """
    if height * width <= WHOLE_IMAGE_PIXELS:
        return max(height, width)
    return max(SMALLEST_AUTO_TILE, min(LARGEST_AUTO_TILE, 8 * halo))


def _cuts(length: int, tile: int, multiple: int) -> list[tuple[int, int]]:
    largest = max(multiple, tile - tile % multiple)
    count = -(-length // largest)
    size = _round_up(-(-length // count), multiple)
    return [(start, min(start + size, length)) for start in range(0, length, size)]


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple
