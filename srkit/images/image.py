"""What srkit knows of an image that came from a file or will become one."""

# Shapes: H W height and width, C 1 (gray), 3 (RGB) or any other number of bands.

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file says about its picture besides the pixels, as it says it.

    Writing decides how much of it a new file gets: see `srkit.images.metadata`.
    """

    exif: bytes | None = None
    """A TIFF structure, without the `Exif\\0\\0` that JPEG puts before it. Upright: the
    orientation has been applied to the pixels, and the thumbnail is gone."""

    dpi: tuple[float, float] | None = None
    """Pixels an inch, horizontally and vertically."""

    xmp: bytes | None = None
    """An XML packet."""

    iptc: bytes | None = None
    """IPTC-IIM records."""

    comment: bytes | None = None
    """The comment of a JPEG file."""

    png_text: tuple[tuple[bytes, bytes], ...] = ()
    """Text chunks of a PNG file, (type, data), not unpacked: they go to another PNG file or
    nowhere, so that nothing compressed inside them can grow."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Image:
    """Pixels upright and straight, as they would be shown, with what belongs to them.

    The range of a sample is that of its type, 0..255 or 0..65535, whatever values occur.
    """

    colour: Samples
    """(H, W, 1) gray, (H, W, 3) RGB, or (H, W, C) bands, which only TIFF files hold; may be
    read-only."""

    alpha: Samples | None = None
    """(H, W), of the same type: 0 is transparent. Colours are not multiplied by it."""

    profile: bytes | None = None
    """The ICC profile that gives the colours their meaning; None means sRGB."""

    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        shape, dtype = self.colour.shape, self.colour.dtype
        if len(shape) != 3 or 0 in shape:
            raise ValueError(f"colour must be (height, width, bands) and not empty, got {shape}")
        if dtype not in (np.uint8, np.uint16):
            raise ValueError(f"colour must be uint8 or uint16, got {dtype}")
        if self.alpha is not None and shape[2] not in (1, 3):
            raise ValueError(f"alpha goes with gray or RGB, not with {shape[2]} bands")
        if self.alpha is not None and (self.alpha.shape != shape[:2] or self.alpha.dtype != dtype):
            raise ValueError(
                f"alpha must be {shape[:2]} {dtype}, got {self.alpha.shape} {self.alpha.dtype}"
            )

    @property
    def height(self) -> int:
        return int(self.colour.shape[0])

    @property
    def width(self) -> int:
        return int(self.colour.shape[1])

    @property
    def bands(self) -> int:
        """Without the alpha."""
        return int(self.colour.shape[2])

    @property
    def maximum(self) -> int:
        """The sample that means full brightness: 255 or 65535."""
        return int(np.iinfo(self.colour.dtype).max)


class Refused(Exception):  # noqa: N818 - it is an answer, and becomes an ImageError at the door
    """What srkit says of a file it will not read or write, before its path is put in front."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
