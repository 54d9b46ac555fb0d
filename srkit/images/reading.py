"""The one place where image files come in.

Whatever a file holds, reading it gives an image or one `ImageError` of one line that starts
with the file's name. Which format it is, the bytes say, never the name.
"""

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from srkit.errors import ImageError
from srkit.images import exif as ex
from srkit.images.image import Image, Refused, Samples
from srkit.images.limits import DEFAULT_MAX_PIXELS, FREE_BANDS, largest_file, size_check
from srkit.images.metadata import dpi_of, upright_xmp
from srkit.images.naming import display_name, one_line
from srkit.images.pillow_reading import read_bmp, read_jpeg, read_webp
from srkit.images.png_reading import read_png
from srkit.images.tiff_reading import read_tiff

_READERS = {
    "PNG": read_png,
    "JPEG": read_jpeg,
    "WebP": read_webp,
    "BMP": read_bmp,
    "TIFF": read_tiff,
}
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_MAX_REASON = 150
_PIECE = 2**20


def read_image(source: Path | BinaryIO, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Image:
    """Read a PNG, JPEG, WebP, BMP or TIFF file, turned upright, its samples as deep as they are.

    Palettes and single bits become 8-bit samples, CMYK becomes sRGB, gray stays one channel, and a
    TIFF file may have any number of bands.
    Of a stream, what is left of it is read.

    Raises: ImageError, starting with the path (`<stream>` for a stream without a name), when
    the file cannot be read, is damaged, has more than `max_pixels`, which its header tells
    before anything is unpacked, or is of a kind that srkit would have to alter.
    """
    name = display_name(source)
    format_ = "image"
    try:
        with _opened(source, largest_file(max_pixels)) as file:
            format_ = _format(file.read(16))
            file.seek(0)
            return _upright(_READERS[format_](file, size_check(max_pixels)))
    except Refused as refusal:
        raise ImageError(f"{name}: {refusal}", hint=refusal.hint) from refusal.__cause__
    except Exception as error:
        # Decoders meet hostile bytes with every exception there is, SyntaxError included.
        if isinstance(error, OSError) and error.errno is not None:
            raise ImageError(f"{name}: cannot be read: {error.strerror}") from error
        if isinstance(error, MemoryError):
            raise ImageError(f"{name}: not enough memory to read it") from error
        reason = one_line(str(error))[:_MAX_REASON] or type(error).__name__
        raise ImageError(f"{name}: damaged {format_} file: {reason}") from error


class _Size(Exception):  # noqa: N818 - no error: it ends a reading whose question is answered
    """The width and height a header tells."""


def read_size(path: Path) -> tuple[int, int] | None:
    """Give (height, width) as the header tells them, or None when it cannot be read.

    What is wrong with such a file `read_image` says.
    """

    def stop(width: int, height: int, bands: int = FREE_BANDS) -> None:
        raise _Size(width, height)

    try:
        with _opened(path, largest_file(DEFAULT_MAX_PIXELS)) as file:
            format_ = _format(file.read(16))
            file.seek(0)
            _READERS[format_](file, stop)
    except _Size as size:
        width, height = size.args
        return height, width
    except Exception:
        return None
    return None


@contextmanager
def _opened(source: Path | BinaryIO, largest: int) -> Iterator[BinaryIO]:
    if not isinstance(source, Path):
        copy = io.BytesIO()
        while piece := source.read(_PIECE):  # some streams give less at a time than one asks for
            _check_file_size(copy.tell() + len(piece), largest)
            copy.write(piece)
        copy.seek(0)
        yield copy
        return
    status = source.stat()
    # Opening a named pipe would wait for ever.
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a file"
        raise Refused(f"is {kind}")
    _check_file_size(status.st_size, largest)
    with source.open("rb") as file:
        yield file


def _check_file_size(size: int, largest: int) -> None:
    if size > largest:
        raise Refused(
            f"over {largest:,} bytes, more than an image within the limit of pixels can need",
            hint="--max-pixels raises both limits",
        )


def _format(head: bytes) -> str:
    if not head:
        raise Refused("is empty")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:4] in (b"II+\0", b"MM\0+"):
        raise Refused("BigTIFF files are not handled yet")
    for signature, name in _SIGNATURES.items():
        if head.startswith(signature):
            return name
    raise Refused("is none of PNG, JPEG, WebP, BMP and TIFF")


def _upright(image: Image) -> Image:
    """Turn the pixels as the EXIF orientation says, and take it off the metadata."""
    metadata = image.metadata
    block = ex.parse(metadata.exif) if metadata.exif else None
    if block is None:
        return replace(image, metadata=replace(metadata, exif=None))
    dpi = metadata.dpi or dpi_of(block)
    turn = (*block.numbers(ex.ORIENTATION), 1)[0]
    if ex.ORIENTATION in block.root.entries:
        block.root.entries[ex.ORIENTATION] = block.short(1)
    if turn in range(2, 9):
        if dpi and turn >= 5:
            dpi = dpi[::-1]
        image = replace(
            image,
            colour=_turned(image.colour, turn),
            alpha=None if image.alpha is None else _turned(image.alpha, turn),
        )
        if metadata.xmp:
            metadata = replace(metadata, xmp=upright_xmp(metadata.xmp))
    return replace(image, metadata=replace(metadata, exif=ex.pack(block), dpi=dpi))


def _turned(pixels: Samples, orientation: int) -> Samples:
    """Apply one of the orientations 2 to 8: a mirroring of rows and columns, or a quarter turn."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
