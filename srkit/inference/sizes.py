"""How large a result is, and which models take an image there: pure arithmetic.

Convention
    A side of n pixels becomes n * scale pixels, rounded to the nearest integer, halves up.
    A width alone or a height alone keeps the shape; both are a box the result fits inside, so
    that an image is never distorted. The scale is above 1 and at most 16.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations_with_replacement

from srkit.errors import ConfigError, SrkitError

LARGEST_SCALE = 16


@dataclass(frozen=True, kw_only=True)
class Enlargement:
    """What the user asked for: a scale, or a width or height (or both) in pixels.

    Raises: ConfigError for none, for a scale along with a side, and for values out of range.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        sides = [side for side in (self.width, self.height) if side is not None]
        if (self.scale is None) != bool(sides):
            given = [f"--{name} {n:g}" for name, n in vars(self).items() if n is not None]
            raise ConfigError(
                "give either --scale, or --width or --height, got "
                + (" and ".join(given) or "none of them")
            )
        if self.scale is not None and not 1 < self.scale <= LARGEST_SCALE:
            raise ConfigError(
                f"scale must be above 1 and at most {LARGEST_SCALE}, got {self.scale}"
            )
        if any(side < 1 for side in sides):
            raise ConfigError(f"width and height must be at least 1, got {min(sides)}")

    @property
    def label(self) -> str:
        """Name it for a file name.

        >>> Enlargement(scale=4).label, Enlargement(scale=1.5).label, Enlargement(width=800).label
        ('4x', '1.5x', '800w')
        """
        if self.scale is not None:
            return f"{self.scale:g}x"
        return "".join(f"{n}{side}" for n, side in ((self.width, "w"), (self.height, "h")) if n)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Say how large an image of (height, width) becomes.

        Raises: SrkitError when a side asks for less than the image has, or for more than 16 times.

        >>> Enlargement(scale=1.5).size(3, 5)
        (5, 8)
        >>> Enlargement(width=800, height=300).size(100, 200)
        (300, 600)
        """
        if self.scale is not None:
            return _rounded(height * self.scale), _rounded(width * self.scale)
        by_width = math.inf if self.width is None else self.width / width
        by_height = math.inf if self.height is None else self.height / height
        scale = min(by_width, by_height)
        if not 1 < scale <= LARGEST_SCALE:
            raise SrkitError(
                f"{width}x{height} pixels cannot be enlarged to fit {self.label}: that is a scale "
                f"of {scale:.3g}, not above 1 and at most {LARGEST_SCALE}"
            )
        return (
            self.height if by_height <= by_width and self.height else _rounded(height * scale),
            self.width if by_width <= by_height and self.width else _rounded(width * scale),
        )


def scale_chain(available: Collection[int], at_least: int) -> tuple[int, ...]:
    """Choose the scales to apply one after another: the smallest product that is large enough.

    Of equal products the one with fewer passes; small scales first, because then the later and
    larger passes are the only ones to see many pixels.

    >>> scale_chain([2, 4], 8), scale_chain([2, 4], 3), scale_chain([4], 5)
    ((2, 4), (4,), (4, 4))
    """
    assert min(available, default=1) >= 2, "only enlarging models reach a scale"
    assert at_least <= LARGEST_SCALE, "the sizes were checked before"
    chains = (
        chain
        for passes in range(1, LARGEST_SCALE.bit_length())
        for chain in combinations_with_replacement(sorted(available), passes)
        if math.prod(chain) >= at_least
    )
    return min(chains, key=lambda chain: (math.prod(chain), len(chain)))


def _rounded(number: float) -> int:
    return math.floor(number + 0.5)
