"""Image files made by hand or by other programs' code, for srkit to read.

The PNG writer here filters nothing and packs what it is given, so that a test can say of every
bit what it should become.
"""

import io
import struct
import zlib
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageCms

GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
Chunks = Iterable[tuple[bytes, bytes]]


def noise(*shape: int, dtype: Any = np.uint8, seed: int = 0) -> NDArray[Any]:
    """Samples over the whole range of their type."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


def smooth(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    """Slow waves, which lossy formats keep nearly as they are; no two corners alike."""
    y, x = np.mgrid[:height, :width]
    waves = [
        127 + 60 * np.sin(y / height * 3 + k) + 60 * np.cos(x / width * 3 + 2 * k)
        for k in range(channels)
    ]
    return np.stack(waves, axis=2).clip(0, 255).astype(np.uint8)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int, depth: int, kind: int, interlaced: int = 0) -> bytes:
    return struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)


def png(rows: Iterable[bytes], header: bytes, *, before: Chunks = (), after: Chunks = ()) -> bytes:
    """Put together a PNG file of packed rows, with chunks before and after the pixels."""
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", header), *before, (b"IDAT", packed), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_of(samples: NDArray[Any], kind: int, **chunks: Chunks) -> bytes:
    """Write (H, W, S) samples of 8 or 16 bits."""
    height, width = samples.shape[:2]
    depth = samples.dtype.itemsize * 8
    rows = [row.astype(f">u{depth // 8}").tobytes() for row in samples]
    return png(rows, png_header(width, height, depth, kind), **chunks)


def by_pillow(
    samples: NDArray[Any], format_: str, mode: str | None = None, **options: Any
) -> bytes:
    """Encode with Pillow: gray (H, W) or (H, W, S)."""
    picture = PillowImage.fromarray(samples)
    if mode:
        picture = picture.convert(mode)
    return saved(picture, format_, **options)


def saved(picture: PillowImage.Image, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


@cache  # the profile holds the time at which it was made
def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif_block(orientation: int = 1) -> bytes:
    """A camera's EXIF block, by Pillow: what may be known of a picture and what should not."""
    exif = PillowImage.Exif()
    exif[0x010F] = "PublicMaker"
    exif[0x0110] = "PublicModel"
    exif[0x0112] = orientation
    exif[0x011A] = exif[0x011B] = 240.0
    exif[0x0128] = 2
    exif[0x0132] = "2021:02:03 04:05:06"
    exif[0x010E] = "SecretDescription"
    exif[0x013B] = "SecretArtist"
    exif[0x8298] = "SecretCopyright"
    exif.get_ifd(0x8769).update(
        {
            0x9003: "2020:01:02 03:04:05",
            0x8827: 400,
            0x829D: 2.8,
            0x927C: b"SecretMakerNote",
            0x9286: b"ASCII\0\0\0SecretComment",
            0xA002: 4000,
            0xA003: 3000,
            0xA431: "SecretSerial",
            0xA434: "PublicLens",
            0xA435: "SecretLensSerial",
        }
    )
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.5), 29: "SecretPlace"})
    return exif.tobytes()
