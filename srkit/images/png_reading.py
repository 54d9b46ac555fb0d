"""Reading PNG files: the chunks by ourselves, the pixels by Pillow.

Only the chunks that matter are read, and only those that say what the pixels are reach Pillow:
text that unpacks to gigabytes, and whatever else a file may carry, is never looked into.
OpenCV would read 16-bit samples at once, but prints its own lines to the terminal when a file
is damaged. Pillow drops the lower byte of 16-bit RGB without a word, but can be told which
byte to take, so it decodes such a file twice.

Source: W3C, "Portable Network Graphics (PNG) Specification", third edition, 2025.
"""

# Shapes: H W height and width, S samples a pixel.

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import PngImagePlugin

from srkit.images.image import Image, Metadata, Refused, Samples
from srkit.images.limits import CheckSize
from srkit.images.quiet import quietly

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
_SAMPLES = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGB_ALPHA: 4}
_DEPTHS = {
    GRAY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GRAY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}
XMP_KEYWORD = b"XML:com.adobe.xmp"
_SMALL = {b"PLTE", b"tRNS", b"pHYs", b"acTL", b"cICP", b"iCCP", b"eXIf", b"iTXt", b"tEXt", b"zTXt"}
# An ICC profile or a packet of XMP is hardly ever over 2 MB; more than this is an attack.
_MAX_ANCILLARY_BYTES = 16_000_000
_SRGB_PRIMARIES, _SDR_TRANSFERS = 1, (1, 6, 13, 14, 15)
_INCH_IN_METRES = 0.0254


@dataclass
class _Parts:
    header: bytes
    pixels: io.BytesIO
    small: dict[bytes, bytes] = field(default_factory=dict)
    text: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass(frozen=True)
class _Header:
    width: int
    height: int
    depth: int
    kind: int


def read_png(file: BinaryIO, check_size: CheckSize) -> Image:
    """Decode a PNG file, whose exif, if any, still holds the orientation."""
    if file.read(8) != SIGNATURE:
        raise Refused("not a PNG file")
    chunks = _chunks(file)
    kind, size = next(chunks)
    if kind != b"IHDR" or size != 13:
        raise Refused("damaged PNG file: it does not begin with its header")
    raw = _body(file, kind, size)
    header = _Header(*struct.unpack(">IIBB", raw[:10]))
    if header.depth not in _DEPTHS.get(header.kind, ()):
        raise Refused(f"damaged PNG file: no kind {header.kind} with {header.depth} bits exists")
    check_size(header.width, header.height)
    parts = _gather(file, chunks, raw, header)
    colour, alpha = _pixels(parts, header)
    xmp, text = _split_xmp(parts.text)
    return Image(
        colour=colour,
        alpha=alpha,
        profile=_profile(parts.small.get(b"iCCP")),
        metadata=Metadata(
            exif=parts.small.get(b"eXIf"),
            dpi=_dpi(parts.small.get(b"pHYs")),
            xmp=xmp,
            png_text=text,
        ),
    )


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Give type and size of each chunk; the caller reads or skips the body, and the checksum."""
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise Refused("damaged PNG file: it ends too early")
        size, kind = struct.unpack(">I4s", head)
        yield kind, size


def _body(file: BinaryIO, kind: bytes, size: int) -> bytes:
    body = file.read(size)
    checksum = file.read(4)
    if len(body) < size or len(checksum) < 4:
        raise Refused("damaged PNG file: it ends too early")
    if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(checksum):
        raise Refused(f"damaged PNG file: wrong checksum of chunk {kind.decode('ascii')}")
    return body


def _gather(
    file: BinaryIO, chunks: Iterator[tuple[bytes, int]], raw: bytes, header: _Header
) -> _Parts:
    parts = _Parts(raw, io.BytesIO())
    _write_chunk(parts.pixels, SIGNATURE, b"IHDR", raw)
    bits = header.width * _SAMPLES[header.kind] * header.depth
    # Twice the plain size, and some for each row's filter: even the worst encoder stays below.
    pixel_bytes = header.height * (bits // 8 + 2) * 2 + 65536
    small_bytes = _MAX_ANCILLARY_BYTES
    for kind, size in chunks:
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            pixel_bytes -= size
            if pixel_bytes < 0:
                raise Refused("damaged PNG file: it has more data than pixels")
            _write_chunk(parts.pixels, b"", kind, _body(file, kind, size))
        elif kind in _SMALL:
            small_bytes -= size
            if small_bytes < 0:
                raise Refused(f"over {_MAX_ANCILLARY_BYTES:,} bytes of it are not pixels")
            body = _body(file, kind, size)
            if kind in (b"iTXt", b"tEXt", b"zTXt"):
                parts.text.append((kind, body))
            else:
                parts.small[kind] = body
            _refuse_unhandled(kind, body)
        elif kind[:1].isupper():
            # A capital means that nobody who does not know it can show the image rightly.
            raise Refused(f"damaged PNG file: unknown chunk {kind!r}")
        else:
            file.seek(size + 4, io.SEEK_CUR)
    _write_chunk(parts.pixels, b"", b"IEND", b"")
    return parts


def _refuse_unhandled(kind: bytes, body: bytes) -> None:
    if kind == b"acTL" and body[:4] != b"\0\0\0\1":
        raise Refused("animated PNG files are not handled yet")
    if kind == b"cICP" and (body[0] != _SRGB_PRIMARIES or body[1] not in _SDR_TRANSFERS):
        raise Refused("HDR and wide-gamut PNG files (chunk cICP) are not handled yet")


def _write_chunk(out: BinaryIO, before: bytes, kind: bytes, body: bytes) -> None:
    out.write(before + chunk(kind, b"") if not body else b"")
    if body:
        # Not through `chunk`, which would copy all the pixels once more.
        out.write(before + struct.pack(">I4s", len(body), kind))
        out.write(body)
        out.write(struct.pack(">I", zlib.crc32(body, zlib.crc32(kind))))


def chunk(kind: bytes, body: bytes) -> bytes:
    """Build one chunk: length, type, body, checksum."""
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", checksum)


def _pixels(parts: _Parts, header: _Header) -> tuple[Samples, Samples | None]:
    samples = _samples(parts, header)
    transparent = parts.small.get(b"tRNS")
    if header.kind == PALETTE:
        return _look_up(samples[..., 0], parts.small.get(b"PLTE"), transparent)
    if header.kind in (GRAY_ALPHA, RGB_ALPHA):
        return np.ascontiguousarray(samples[..., :-1]), np.ascontiguousarray(samples[..., -1])
    if transparent is None:
        return samples, None
    # One colour stands for "nothing here"; it is given in the file's own depth.
    key = np.array(struct.unpack_from(f">{samples.shape[2]}H", transparent))
    if header.depth < 8:
        key = key * (255 // (2**header.depth - 1))
    opaque = (samples != key).any(axis=2)
    maximum = np.iinfo(samples.dtype).max
    return samples, np.where(opaque, maximum, 0).astype(samples.dtype)


def _samples(parts: _Parts, header: _Header) -> Samples:
    """Decode to (H, W, S), unpacked to 8 or 16 bits, palette entries not looked up."""
    if header.depth < 16:
        pixels = _decode(parts.pixels, None)
        if header.kind == GRAY and header.depth == 1:
            pixels = pixels * np.uint8(255)
        return pixels if pixels.ndim == 3 else pixels[..., None]
    if header.kind == GRAY:
        return _decode(parts.pixels, None).astype(np.uint16)[..., None]
    if header.kind == GRAY_ALPHA:
        # Four bytes a pixel: to Pillow they may as well be red, green, blue and alpha.
        bytes_ = _decode(parts.pixels, "RGBA")
        return bytes_.view(">u2").astype(np.uint16)
    name = "RGB" if header.kind == RGB else "RGBA"
    high = _decode(parts.pixels, f"{name};16B").astype(np.uint16)
    high <<= 8
    high |= _decode(parts.pixels, f"{name};16L")
    return high


def _decode(pixels: io.BytesIO, layout: str | None) -> NDArray[np.uint8]:
    pixels.seek(0)
    with quietly():
        picture = PngImagePlugin.PngImageFile(pixels)
    if layout:
        (tile,) = picture.tile
        picture.tile = [tile._replace(args=layout)]
    picture.load()
    return np.asarray(picture)


def _look_up(
    indices: Samples, palette: bytes | None, transparent: bytes | None
) -> tuple[Samples, Samples | None]:
    if not palette or len(palette) % 3:
        raise Refused("damaged PNG file: it has no palette")
    colours = np.frombuffer(palette, np.uint8).reshape(-1, 3)
    if int(indices.max()) >= len(colours):
        raise Refused("damaged PNG file: a pixel's colour is not in the palette")
    colour = colours[indices]
    if transparent is None:
        return colour, None
    opacity = np.full(256, 255, np.uint8)
    opacity[: len(transparent)] = np.frombuffer(transparent, np.uint8)[:256]
    return colour, opacity[indices]


def _profile(body: bytes | None) -> bytes | None:
    if body is None:
        return None
    _name, rest = body.split(b"\0", 1)
    unpacker = zlib.decompressobj()
    profile = unpacker.decompress(rest[1:], _MAX_ANCILLARY_BYTES)
    if not unpacker.eof:
        raise Refused("damaged PNG file: its colour profile cannot be unpacked")
    return profile


def _dpi(body: bytes | None) -> tuple[float, float] | None:
    if body is None or len(body) != 9:
        return None
    x, y, unit = struct.unpack(">IIB", body)
    if unit != 1 or not x or not y:  # only a ratio, or nothing
        return None
    return x * _INCH_IN_METRES, y * _INCH_IN_METRES


def _split_xmp(
    text: list[tuple[bytes, bytes]],
) -> tuple[bytes | None, tuple[tuple[bytes, bytes], ...]]:
    xmp, rest = None, []
    for kind, body in text:
        keyword, _, after = body.partition(b"\0")
        # Not compressed: the specification of XMP asks for that.
        if kind == b"iTXt" and keyword == XMP_KEYWORD and after[:1] == b"\0":
            xmp = after[2:].split(b"\0", 2)[2]  # language, translated keyword, then the packet
        else:
            rest.append((kind, body))
    return xmp, tuple(rest)
