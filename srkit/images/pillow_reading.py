"""Reading JPEG, WebP and BMP files, with Pillow.

Pillow's classes for the three formats are called by name, not through `PIL.Image.open`: that
would look for some thirty formats more, one of which starts a program to read its files, and
would apply limits of its own that srkit's `max_pixels` could not raise.
"""

# Shapes: H W height and width.

import struct
from typing import BinaryIO

import numpy as np
from PIL import BmpImagePlugin, JpegImagePlugin, WebPImagePlugin
from PIL import Image as PillowImage

from srkit.images.colour_profile import cmyk_to_rgb
from srkit.images.image import Image, Metadata, Refused
from srkit.images.limits import CheckSize
from srkit.images.pillow_pixels import pixels_of
from srkit.images.quiet import quietly

# Encoders write about ten; each makes the decoder go over the whole image again.
_MAX_SCANS = 100
_START_OF_SCAN = b"\xff\xda"
_IPTC_RESOURCE = 0x0404
_INCH, _CENTIMETRE = 1, 2


def read_jpeg(file: BinaryIO, check_size: CheckSize) -> Image:
    """Read a JPEG file; its exif, if any, still holds the orientation.

    A file with several pictures (MPO: phones put depth or a brighter one behind the first)
    gives the first, which is the one every viewer shows.
    """
    with quietly():
        picture = JpegImagePlugin.JpegImageFile(file)
    check_size(*picture.size)
    info = picture.info
    if info.get("progressive"):
        _check_scans(file)
    if "icc_profile" in info and info["icc_profile"] is None:
        raise Refused("damaged JPEG file: a part of its colour profile is missing")
    dpi = None
    density = info.get("jfif_density", (0, 0))
    if all(density) and info.get("jfif_unit") in (_INCH, _CENTIMETRE):
        factor = 2.54 if info["jfif_unit"] == _CENTIMETRE else 1.0
        dpi = (density[0] * factor, density[1] * factor)
    metadata = Metadata(
        exif=info.get("exif"),
        dpi=dpi,
        xmp=info.get("xmp"),
        iptc=info.get("photoshop", {}).get(_IPTC_RESOURCE),
        comment=info.get("comment"),
    )
    profile = info.get("icc_profile")
    picture.load()
    if picture.mode == "CMYK":
        return Image(colour=cmyk_to_rgb(picture, profile), metadata=metadata)
    return _image(picture, profile, metadata)


def _check_scans(file: BinaryIO) -> None:
    # Inside packed pixels the two bytes cannot follow each other, so counting finds every scan;
    # those of a thumbnail or of further pictures in the file are few.
    place = file.tell()
    file.seek(0)
    scans, before = 0, b""
    while block := file.read(2**20):
        scans += (before + block).count(_START_OF_SCAN)
        before = block[-1:]
    file.seek(place)
    if scans > _MAX_SCANS:
        raise Refused(f"its pixels come in {scans} scans, over the limit of {_MAX_SCANS}")


def read_webp(file: BinaryIO, check_size: CheckSize) -> Image:
    """Read a WebP file; its exif, if any, still holds the orientation."""
    head = file.read(30)
    width, height, animated = _webp_header(head)
    check_size(width, height)
    if animated:
        raise Refused("animated WebP files are not handled yet")
    file.seek(0)
    with quietly():
        picture = WebPImagePlugin.WebPImageFile(file)
    check_size(*picture.size)
    info = picture.info
    return _image(
        picture,
        info.get("icc_profile"),
        Metadata(exif=info.get("exif"), xmp=info.get("xmp")),
    )


def _webp_header(head: bytes) -> tuple[int, int, bool]:
    """Give width, height and whether it moves; Pillow would make room for two frames first.

    Source: RFC 9649, sections 2.5 to 2.7 and 3.4.
    """
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = head[24:27], head[27:30]
        return (
            int.from_bytes(width, "little") + 1,
            int.from_bytes(height, "little") + 1,
            bool(head[20] & 2),
        )
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, False
    if kind == b"VP8 ":
        width_, height_ = struct.unpack_from("<HH", head, 26)
        return width_ & 0x3FFF, height_ & 0x3FFF, False
    raise Refused(f"damaged WebP file: unknown kind {kind!r}")


def read_bmp(file: BinaryIO, check_size: CheckSize) -> Image:
    """Read a BMP file."""
    with quietly():
        picture = BmpImagePlugin.BmpImageFile(file)
    check_size(*picture.size)
    x, y = picture.info.get("dpi", (0, 0))
    profile = _bmp_profile(file)
    return _image(picture, profile, Metadata(dpi=(x, y) if x > 0 and y > 0 else None))


def _bmp_profile(file: BinaryIO) -> bytes | None:
    """Read the profile of a fifth-version header, which Pillow passes over."""
    place = file.tell()
    file.seek(14)
    header = file.read(124)
    profile = None
    if header[:4] == struct.pack("<I", 124) and header[56:60] == b"DEBM":  # "MBED", backwards
        offset, size = struct.unpack_from("<II", header, 112)
        file.seek(14 + offset)
        profile = file.read(min(size, 2**24))
        if len(profile) < size:
            raise Refused("damaged BMP file: its colour profile is cut short")
    file.seek(place)
    return profile


def _image(picture: PillowImage.Image, profile: bytes | None, metadata: Metadata) -> Image:
    picture.load()
    if picture.mode in ("1", "P"):
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    pixels = pixels_of(picture)
    alpha = None
    if picture.mode == "RGBA":
        pixels, alpha = np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3])
    elif picture.mode == "L":
        pixels = pixels[..., None]
    elif picture.mode != "RGB":
        raise Refused(f"images of kind {picture.mode} are not handled yet")
    return Image(colour=pixels, alpha=alpha, profile=profile, metadata=metadata)
