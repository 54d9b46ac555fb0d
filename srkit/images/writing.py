"""The one place where image files go out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from srkit.errors import ConfigError, ImageError
from srkit.files import write_atomically
from srkit.images.image import Image, Metadata, Refused
from srkit.images.metadata import MetadataPolicy, selected
from srkit.images.naming import display_name, one_line
from srkit.images.pillow_writing import encode_bmp, encode_jpeg, encode_webp
from srkit.images.png_writing import encode_png
from srkit.images.tiff_writing import encode_tiff

DEFAULT_QUALITY = 95


@dataclass(frozen=True)
class _Format:
    """What a format can hold, and how to get it in there: (image, metadata, quality, lossless)."""

    name: str
    encode: Callable[[Image, Metadata, int, bool], bytes]
    alpha: bool = True
    deep: bool = True
    exact: bool = True
    bands: bool = False
    largest_side: int = 2**31 - 1


_PNG = _Format("PNG", lambda image, metadata, *_: encode_png(image, metadata))
_TIFF = _Format("TIFF", lambda image, metadata, *_: encode_tiff(image, metadata), bands=True)
_WEBP = _Format("WebP", encode_webp, deep=False, largest_side=16383)
_JPEG = _Format(
    "JPEG",
    lambda image, metadata, quality, _: encode_jpeg(image, metadata, quality),
    alpha=False,
    deep=False,
    exact=False,
    largest_side=65500,
)
_BMP = _Format(
    "BMP", lambda image, metadata, *_: encode_bmp(image, metadata), alpha=False, deep=False
)
_FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".jfif": _JPEG,
    ".webp": _WEBP,
    ".bmp": _BMP,
    ".tif": _TIFF,
    ".tiff": _TIFF,
}
WRITABLE_SUFFIXES = frozenset(_FORMATS)
"""Lower case; `write_image` takes them in any case."""


def write_image(
    path: Path,
    image: Image,
    *,
    quality: int | None = None,
    lossless: bool = False,
    metadata: MetadataPolicy = "private",
) -> None:
    """Write a file of the format its suffix names, whole or not at all.

    `quality`, 1 to 100 and 95 unless given, is for the formats that lose something: JPEG, and
    WebP unless `lossless`. The colour profile always stays; `metadata` says what else does.
    BMP, which holds no profile, gets the same colours in sRGB. WebP has no gray: it gets RGB.

    Raises: ImageError, starting with the path, when the suffix is unknown, the format cannot
    hold the image (transparency, bands, 16 bits, `lossless`, its size), or the file cannot be
    written; what was there before then still is. ConfigError for a quality out of range.
    """
    if quality is not None and not 1 <= quality <= 100:
        raise ConfigError(f"quality must be 1 to 100, got {quality}")
    name = display_name(path)
    try:
        format_ = _format(path)
        _check(image, format_, lossless)
        encoded = format_.encode(
            image, selected(image, metadata), quality or DEFAULT_QUALITY, lossless
        )
    except Refused as refusal:
        raise ImageError(f"{name}: {refusal}", hint=refusal.hint) from refusal.__cause__
    except Exception as error:  # encoders have limits of their own, and any exception for them
        reason = one_line(str(error)) or type(error).__name__
        raise ImageError(f"{name}: cannot be written as {format_.name}: {reason}") from error
    try:
        write_atomically(path, partial(_write, encoded))
    except (OSError, ValueError) as error:  # ValueError: a name no file can have
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{name}: cannot be written: {one_line(reason)}") from error


def _format(path: Path) -> _Format:
    format_ = _FORMATS.get(path.suffix.lower())
    if format_ is None:
        given = f"unknown suffix {path.suffix!r}" if path.suffix else "no suffix"
        raise Refused(f"cannot be written: {given}", hint=f"choose one of {', '.join(_FORMATS)}")
    return format_


def _check(image: Image, format_: _Format, lossless: bool) -> None:
    if image.bands not in (1, 3) and not format_.bands:
        raise Refused(f"{format_.name} cannot hold {image.bands} bands", hint=_choose("bands"))
    if lossless and not format_.exact:
        raise Refused(f"{format_.name} cannot be lossless", hint=_choose("exact"))
    if image.colour.dtype == np.uint16 and not format_.deep:
        raise Refused(f"{format_.name} cannot hold 16 bits", hint=_choose("deep"))
    # An alpha that hides nothing is no loss.
    if image.alpha is not None and not format_.alpha and (image.alpha != image.maximum).any():
        raise Refused(f"{format_.name} cannot hold transparency", hint=_choose("alpha"))
    if max(image.height, image.width) > format_.largest_side:
        raise Refused(
            f"{format_.name} holds at most {format_.largest_side:,} pixels a side,"
            f" not {image.width} x {image.height}",
            hint="choose .png, .tif or .tiff",
        )


def _choose(ability: str) -> str:
    suffixes = [suffix for suffix, format_ in _FORMATS.items() if getattr(format_, ability)]
    return f"choose {', '.join(suffixes[:-1])} or {suffixes[-1]}"


def _write(data: bytes, file: BinaryIO) -> None:
    file.write(data)
