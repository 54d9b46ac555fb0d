"""Reading PNG files: the chunks by ourselves, the pixels by Pillow.

OpenCV would unpack 16-bit samples at once, but prints lines of its own to the terminal when a
file is damaged. Pillow drops the lower byte of 16-bit RGB without a word, but can be told which
byte to take, so it unpacks such a file twice.
"""

# Shapes: H W height and width, S samples a pixel.

import struct
import zlib
from typing import BinaryIO

import numpy as np
from PIL import PngImagePlugin

from srkit.images.image import Image, Metadata, Refused, Samples
from srkit.images.limits import CheckSize
from srkit.images.pillow_pixels import pixels_of
from srkit.images.png_chunks import (
    GRAY,
    GRAY_ALPHA,
    MAX_ANCILLARY_BYTES,
    PALETTE,
    RGB,
    RGB_ALPHA,
    Png,
    is_complete,
    take_apart,
)
from srkit.images.quiet import quietly

XMP_KEYWORD = b"XML:com.adobe.xmp"
METRES_AN_INCH = 0.0254


def read_png(file: BinaryIO, check_size: CheckSize) -> Image:
    """Read a PNG file; its exif, if any, still holds the orientation."""
    png = take_apart(file, check_size)
    colour, alpha = _pixels(png)
    xmp, text = _split_xmp(png.text)
    return Image(
        colour=colour,
        alpha=alpha,
        profile=_profile(png.small.get(b"iCCP")),
        metadata=Metadata(
            exif=png.small.get(b"eXIf"),
            dpi=_dpi(png.small.get(b"pHYs")),
            xmp=xmp,
            png_text=text,
        ),
    )


def _pixels(png: Png) -> tuple[Samples, Samples | None]:
    samples = _samples(png)
    transparent = png.small.get(b"tRNS")
    if png.kind == PALETTE:
        return _look_up(samples[..., 0], png.small.get(b"PLTE"), transparent)
    if png.kind in (GRAY_ALPHA, RGB_ALPHA):
        return np.ascontiguousarray(samples[..., :-1]), np.ascontiguousarray(samples[..., -1])
    if transparent is None:
        return samples, None
    # One colour stands for "nothing here"; it is given in the file's own depth.
    key = np.array(struct.unpack_from(f">{samples.shape[2]}H", transparent))
    if png.depth < 8:
        key = key * (255 // (2**png.depth - 1))
    opaque = (samples != key).any(axis=2)
    return samples, np.where(opaque, np.iinfo(samples.dtype).max, 0).astype(samples.dtype)


def _samples(png: Png) -> Samples:
    """Unpack to (H, W, S), 8 or 16 bits each, with palette entries not looked up."""
    samples = _unpacked(png)
    # Pillow leaves rows at zero, without a word, when the packed data is whole but too short.
    # Unpacking once more to count is therefore only needed where the last row is all zero.
    if (png.interlaced or not samples[-1].any()) and not is_complete(png):
        raise Refused("damaged PNG file: it has fewer rows than it says")
    return samples


def _unpacked(png: Png) -> Samples:
    if png.depth == 16 and png.kind != GRAY:
        if png.kind == GRAY_ALPHA:
            # Four bytes a pixel: to Pillow they may as well be red, green, blue and alpha.
            return _unpack(png, "RGBA").view(">u2").astype(np.uint16)
        name = "RGB" if png.kind == RGB else "RGBA"
        high = _unpack(png, f"{name};16B").astype(np.uint16)
        high <<= 8
        high |= _unpack(png, f"{name};16L")
        return high
    samples = _unpack(png)
    if png.kind == GRAY and png.depth == 1:
        samples = samples * np.uint8(255)
    return samples if samples.ndim == 3 else samples[..., None]


def _unpack(png: Png, layout: str | None = None) -> Samples:
    png.pixels.seek(0)
    with quietly():
        picture = PngImagePlugin.PngImageFile(png.pixels)
    if layout:
        (tile,) = picture.tile
        picture.tile = [tile._replace(args=layout)]
    picture.load()
    return pixels_of(picture)


def _look_up(
    indices: Samples, palette: bytes | None, transparent: bytes | None
) -> tuple[Samples, Samples | None]:
    if not palette or len(palette) % 3:
        raise Refused("damaged PNG file: it has no palette")
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    if int(indices.max()) >= len(colours):
        raise Refused("damaged PNG file: a pixel's colour is not in its palette")
    if transparent is None:
        return colours[indices], None
    opacity = np.full(256, 255, np.uint8)
    opacity[: len(transparent)] = np.frombuffer(transparent, np.uint8)
    return colours[indices], opacity[indices]


def _profile(body: bytes | None) -> bytes | None:
    if body is None:
        return None
    _name, packed = body.split(b"\0", 1)
    unpacker = zlib.decompressobj()
    profile = unpacker.decompress(packed[1:], MAX_ANCILLARY_BYTES)
    if not unpacker.eof:
        raise Refused(
            "damaged PNG file: its colour profile is cut short,"
            f" or over {MAX_ANCILLARY_BYTES:,} bytes"
        )
    return profile


def _dpi(body: bytes | None) -> tuple[float, float] | None:
    if body is None or len(body) != 9:
        return None
    x, y, unit = struct.unpack(">IIB", body)
    if unit != 1 or not x or not y:  # the pixels' shape without a size, or nothing
        return None
    return x * METRES_AN_INCH, y * METRES_AN_INCH


def _split_xmp(
    text: list[tuple[bytes, bytes]],
) -> tuple[bytes | None, tuple[tuple[bytes, bytes], ...]]:
    xmp, rest = None, []
    for kind, body in text:
        keyword, _, after = body.partition(b"\0")
        # XMP's specification wants it uncompressed; anything else stays what it is, text.
        if kind == b"iTXt" and keyword == XMP_KEYWORD and after[:1] == b"\0":
            _language, _translated, xmp = after[2:].split(b"\0", 2)
        else:
            rest.append((kind, body))
    return xmp, tuple(rest)
