"""The strips or tiles of a TIFF file, unpacked and put in their places.

Source: Adobe, "TIFF Revision 6.0", 1992, sections 9, 14 and 15; "Adobe Photoshop TIFF
Technical Notes", 2002, for Deflate.
"""

# Shapes: H W height and width, S samples a pixel.

import zlib
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from srkit.images.image import Refused, Samples
from srkit.images.lzw import unpack_lzw
from srkit.images.tiff_page import Page

_NO_PREDICTOR, _DIFFERENCES = 1, 2
_NAMES = {2: "CCITT", 3: "CCITT", 4: "CCITT", 6: "JPEG", 7: "JPEG", 50000: "Zstandard"}


def read_samples(file: BinaryIO, page: Page, byte_order: str) -> Samples:
    """Give all samples of a page.

    Shape: (H, W, S) uint8 or uint16; samples of one bit become 0 and 255.
    Raises: Refused for another compression, and when a strip or tile is missing or short.
    """
    if page.compression not in _UNPACKERS:
        name = _NAMES.get(page.compression, f"method {page.compression}")
        raise Refused(f"TIFF files compressed by {name} are not handled yet")
    if page.predictor not in (_NO_PREDICTOR, _DIFFERENCES):
        raise Refused(f"TIFF files with predictor {page.predictor} are not handled yet")
    down, across = -(-page.height // page.rows), -(-page.width // page.columns)
    if len(page.places) < page.planes * down * across:
        raise Refused("damaged TIFF file: a strip or tile is missing")
    out = np.empty(
        (page.height, page.width, page.samples), np.uint16 if page.depth == 16 else np.uint8
    )
    for index, place in enumerate(page.places[: page.planes * down * across]):
        plane, cell = divmod(index, down * across)
        top, left = cell // across * page.rows, cell % across * page.columns
        bottom, right = min(top + page.rows, page.height), min(left + page.columns, page.width)
        # At the edge a tile is whole in the file, a strip is not.
        rows = page.rows if page.tiled else bottom - top
        segment = _segment(file, page, place, rows, byte_order)
        where = slice(None) if page.planes == 1 else slice(plane, plane + 1)
        out[top:bottom, left:right, where] = segment[: bottom - top, : right - left]
    return out


def _segment(
    file: BinaryIO, page: Page, place: tuple[int, int], rows: int, byte_order: str
) -> Samples:
    """Give one strip or tile: (rows, columns, samples that lie together)."""
    together = page.samples // page.planes
    row_bytes = -(-page.columns * together * page.depth // 8)
    data = _unpacked(file, page.compression, place, rows * row_bytes)
    if page.depth == 1:
        bits = np.unpackbits(data.reshape(rows, row_bytes), axis=1) * np.uint8(255)
        return bits[:, : page.columns * together].reshape(rows, page.columns, together)
    samples = data.view(f"{byte_order}u2" if page.depth == 16 else np.uint8)
    samples = samples.reshape(rows, page.columns, together)
    if page.predictor == _DIFFERENCES:
        # Sums that leave the type's range wrap around, as they are meant to.
        samples = np.cumsum(samples, axis=1, dtype=samples.dtype.newbyteorder("="))
    return samples


def _unpacked(
    file: BinaryIO, compression: int, place: tuple[int, int], size: int
) -> NDArray[np.uint8]:
    offset, packed_size = place
    file.seek(offset)
    # No compression makes pixels twice as large, so a count beyond that is a lie.
    data = _UNPACKERS[compression](file.read(min(packed_size, 2 * size + 1024)), size)
    if len(data) < size:
        raise Refused("damaged TIFF file: a strip or tile is short")
    return np.frombuffer(data, np.uint8, size)


def _plain(packed: bytes, size: int) -> bytes:
    return packed


def _deflate(packed: bytes, size: int) -> bytes:
    # Never more than asked for: a strip of a kilobyte may hold a megabyte of zeros.
    return zlib.decompressobj().decompress(packed, size)


def _packbits(packed: bytes, size: int) -> bytes:
    """Undo Apple's PackBits: n < 128 and n + 1 bytes, or n > 128 and one byte 257 - n times."""
    out, place = bytearray(), 0
    while len(out) < size and place < len(packed):
        count = packed[place]
        if count < 128:
            out += packed[place + 1 : place + 2 + count]
            place += 2 + count
        elif count > 128:
            out += packed[place + 1 : place + 2] * (257 - count)
            place += 2
        else:
            place += 1
    return bytes(out)


_UNPACKERS = {1: _plain, 5: unpack_lzw, 8: _deflate, 32946: _deflate, 32773: _packbits}
