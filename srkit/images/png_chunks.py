"""The chunks a PNG file is made of.

Only those that matter are read; the rest, and text that might unpack to gigabytes, is never
looked into.

Source: W3C, "Portable Network Graphics (PNG) Specification", third edition, 2025, section 5.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from srkit.images.image import Refused
from srkit.images.limits import CheckSize

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
_DEPTHS = {
    GRAY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GRAY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
_PIECE = 2**20
_TEXT = {b"iTXt", b"tEXt", b"zTXt"}
_SMALL = {b"PLTE", b"tRNS", b"pHYs", b"acTL", b"cICP", b"iCCP", b"eXIf"}

MAX_ANCILLARY_BYTES = 16_000_000
"""An ICC profile or a packet of XMP is hardly ever over 2 MB; more than this is an attack."""

# H.273: colours as in sRGB, and the transfer curves that are not for HDR.
_SRGB_PRIMARIES, _SDR_TRANSFERS = 1, (1, 6, 13, 14, 15)


@dataclass
class Png:
    """A file taken apart."""

    width: int
    height: int
    depth: int
    kind: int
    interlaced: bool
    pixels: io.BytesIO
    """A PNG file of its own, with nothing in it but the header and the packed pixels."""

    small: dict[bytes, bytes] = field(default_factory=dict)
    text: list[tuple[bytes, bytes]] = field(default_factory=list)


def chunk(kind: bytes, body: bytes) -> bytes:
    """Build one chunk: length, type, body, checksum."""
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", checksum)


def take_apart(file: BinaryIO, check_size: CheckSize) -> Png:
    """Read a PNG file up to its last chunk, unpacking nothing.

    Raises: Refused for a damaged file, an animation, and colours that srkit cannot keep.
    """
    if file.read(8) != SIGNATURE:
        raise Refused("not a PNG file")
    heads = _heads(file)
    kind, size = next(heads)
    if kind != b"IHDR" or size != 13:
        raise Refused("damaged PNG file: it does not begin with its header")
    header = _body(file, kind, size)
    width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth not in _DEPTHS.get(colours, ()):
        raise Refused(f"damaged PNG file: no type {colours} with {depth} bits exists")
    check_size(width, height)
    png = Png(width, height, depth, colours, bool(interlaced), io.BytesIO())
    png.pixels.write(SIGNATURE + chunk(b"IHDR", header))
    # Twice the plain size, and some for each row's filter: even the worst encoder stays below.
    pixel_bytes = height * (width * SAMPLES[colours] * depth // 8 + 2) * 2 + 65536
    small_bytes = MAX_ANCILLARY_BYTES
    for kind, size in heads:
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            pixel_bytes -= size
            if pixel_bytes < 0:
                raise Refused("damaged PNG file: it has more data than pixels")
            _copy(file, kind, size, png.pixels)
        elif kind in _TEXT or kind in _SMALL:
            small_bytes -= size
            if small_bytes < 0:
                raise Refused(f"over {MAX_ANCILLARY_BYTES:,} bytes of it are not pixels")
            _keep(png, kind, _body(file, kind, size))
        elif kind[:1].isupper():
            # A capital means that who does not know the chunk cannot show the image rightly.
            raise Refused(f"damaged PNG file: unknown chunk {kind!r}")
        else:
            file.seek(size + 4, io.SEEK_CUR)
    png.pixels.write(chunk(b"IEND", b""))
    return png


def is_complete(png: Png) -> bool:
    """Tell whether the packed pixels are as many as the header says, keeping none of them."""
    bits = SAMPLES[png.kind] * png.depth
    missing = sum(
        rows * (1 + -(-columns * bits // 8)) for rows, columns in _passes(png) if rows and columns
    )
    unpacker = zlib.decompressobj()
    png.pixels.seek(len(SIGNATURE))
    for kind, size in _heads(png.pixels):
        if kind == b"IEND" or missing <= 0:
            break
        packed = png.pixels.read(size)
        png.pixels.seek(4, io.SEEK_CUR)
        while kind == b"IDAT" and packed and missing > 0:
            missing -= len(unpacker.decompress(packed, _PIECE))
            packed = unpacker.unconsumed_tail
    return missing <= 0


def _passes(png: Png) -> list[tuple[int, int]]:
    """Give rows and columns of each small image an interlaced file consists of (section 8)."""
    if not png.interlaced:
        return [(png.height, png.width)]
    starts = ((0, 0), (0, 4), (4, 0), (0, 2), (2, 0), (0, 1), (1, 0))
    steps = ((8, 8), (8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1))
    return [
        (len(range(top, png.height, down)), len(range(left, png.width, across)))
        for (top, left), (down, across) in zip(starts, steps, strict=True)
    ]


def _heads(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    # The caller reads or skips the body and the checksum before asking for the next.
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise Refused("damaged PNG file: it ends too early")
        size, kind = struct.unpack(">I4s", head)
        yield kind, size


def _body(file: BinaryIO, kind: bytes, size: int) -> bytes:
    body, checksum = file.read(size), file.read(4)
    if len(body) < size or len(checksum) < 4:
        raise Refused("damaged PNG file: it ends too early")
    if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(checksum, "big"):
        raise Refused(f"damaged PNG file: wrong checksum of {kind!r}")
    return body


def _copy(file: BinaryIO, kind: bytes, size: int, out: io.BytesIO) -> None:
    body = _body(file, kind, size)
    out.write(struct.pack(">I4s", size, kind))
    out.write(body)
    out.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))


def _keep(png: Png, kind: bytes, body: bytes) -> None:
    if kind == b"acTL" and body[:4] != b"\0\0\0\1":
        raise Refused("animated PNG files are not handled yet")
    if kind == b"cICP" and (body[0] != _SRGB_PRIMARIES or body[1] not in _SDR_TRANSFERS):
        raise Refused("HDR and wide-gamut PNG files (chunk cICP) are not handled yet")
    if kind in _TEXT:
        png.text.append((kind, body))
    else:
        png.small[kind] = body
