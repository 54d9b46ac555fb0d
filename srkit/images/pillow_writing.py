"""Writing JPEG, WebP and BMP files, with Pillow; all three hold 8 bits a sample.

Everything is encoded in memory first: when Pillow writes to a file itself, a full disk comes back
as an error without a reason.
"""

# Shapes: H W height and width, S samples a pixel.

import io
import struct
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from srkit.images.colour_profile import to_srgb
from srkit.images.image import Image, Metadata
from srkit.images.metadata import exif_with_dpi
from srkit.images.pillow_pixels import to_pillow

_FINE_COLOURS_FROM = 90
"""From this quality on, JPEG keeps colours as fine as brightness; below, half as fine."""
_JFIF_LARGEST, _BMP_LARGEST = 65535, 50_000_000  # pixels an inch; BMP counts them by the metre
_IPTC_RESOURCE = 0x0404


def save(picture: PillowImage.Image, format_: str, **options: Any) -> bytes:
    """Encode with Pillow; an option that is None is not given."""
    out = io.BytesIO()
    given = {name: value for name, value in options.items() if value is not None}
    picture.save(out, format_, **given)
    return out.getvalue()


def encode_jpeg(image: Image, metadata: Metadata, quality: int) -> bytes:
    """Give the bytes of a JPEG file, without the alpha; resolution in whole pixels an inch.

    Raises: ValueError when the EXIF block or the XMP packet is over the format's 64 KB.
    """
    dpi = metadata.dpi
    return save(
        to_pillow(image.colour),
        "JPEG",
        quality=quality,
        subsampling="4:4:4" if quality >= _FINE_COLOURS_FROM else "4:2:0",
        icc_profile=image.profile,
        exif=b"Exif\0\0" + metadata.exif if metadata.exif else None,
        dpi=dpi if dpi and max(dpi) <= _JFIF_LARGEST else None,
        xmp=metadata.xmp,
        comment=metadata.comment,
        extra=_photoshop(metadata.iptc) if metadata.iptc else None,
    )


def _photoshop(iptc: bytes) -> bytes:
    """Build the segment in which JPEG files hold IPTC records: one of Photoshop's resources."""
    resource = struct.pack(">4sHHI", b"8BIM", _IPTC_RESOURCE, 0, len(iptc)) + iptc
    body = b"Photoshop 3.0\0" + resource + bytes(len(iptc) % 2)
    return struct.pack(">HH", 0xFFED, len(body) + 2) + body


def encode_webp(image: Image, metadata: Metadata, quality: int, lossless: bool) -> bytes:
    """Give the bytes of a WebP file; gray becomes RGB, which is all that the format has."""
    samples = np.repeat(image.colour, 3, axis=2) if image.colour.shape[2] == 1 else image.colour
    if image.alpha is not None:
        samples = np.concatenate([samples, image.alpha[..., None]], axis=2)
    return save(
        to_pillow(samples),
        "WEBP",
        lossless=lossless,
        # Where nothing can be lost, this is how long to search for a smaller file.
        quality=75 if lossless else quality,
        # Otherwise colours under transparent pixels are replaced by what packs best.
        exact=lossless,
        icc_profile=image.profile,
        exif=exif_with_dpi(metadata),
        xmp=metadata.xmp,
    )


def encode_bmp(image: Image, metadata: Metadata) -> bytes:
    """Give the bytes of a BMP file, without the alpha; colours of another profile become sRGB."""
    colour = to_srgb(image.colour, image.profile) if image.profile else image.colour
    dpi = metadata.dpi
    # Pillow would say 96 pixels an inch of an image of which nobody knows.
    return save(to_pillow(colour), "BMP", dpi=dpi if dpi and max(dpi) < _BMP_LARGEST else (0, 0))
