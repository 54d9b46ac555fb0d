"""How large an image may claim to be before anything of it is unpacked.

A PNG file of 11 KB can hold 89 million pixels, and a JPEG header of twenty bytes claim
four billion. So every reader asks here as soon as it has seen the header.
"""

from typing import Protocol

from srkit.images.image import Refused

DEFAULT_MAX_PIXELS = 64_000_000
"""As 8-bit RGB, 192 MB; more than all but a few cameras make."""

FREE_BANDS = 4
"""RGBA; with more bands so many fewer pixels are allowed."""


class CheckSize(Protocol):
    """By which a reader asks whether it may go on: nothing, or Refused."""

    def __call__(self, width: int, height: int, bands: int = FREE_BANDS) -> None: ...


_LARGEST_SAMPLES_BYTES = 8  # RGBA, 16 bits each
_ROOM_FOR_THE_REST = 64 * 2**20


def size_check(max_pixels: int) -> CheckSize:
    """Build the function by which a reader asks whether it may go on."""

    def check(width: int, height: int, bands: int = FREE_BANDS) -> None:
        if width < 1 or height < 1:
            raise Refused(f"it has no pixels ({width} x {height})")
        if width * height > max_pixels:
            raise Refused(
                f"{width * height:,} pixels ({width} x {height}), over the limit of {max_pixels:,}",
                hint=f"--max-pixels {width * height} allows it",
            )
        needed = -(-width * height * bands // FREE_BANDS)
        if needed > max_pixels:
            raise Refused(
                f"{width * height:,} pixels ({width} x {height}) of {bands:,} bands take as much "
                f"as {needed:,} of {FREE_BANDS}, over the limit of {max_pixels:,}",
                hint=f"--max-pixels {needed} allows it",
            )

    return check


def largest_file(max_pixels: int) -> int:
    """Give the bytes that no image within the limit needs, however badly it is packed."""
    return max_pixels * _LARGEST_SAMPLES_BYTES + _ROOM_FOR_THE_REST
