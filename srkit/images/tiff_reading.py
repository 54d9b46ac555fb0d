"""Reading TIFF files by ourselves.

libtiff, inside Pillow and OpenCV, prints lines of its own on damaged files. tifffile unpacks
without asking how much will come out, looks into the private tags of many microscopes, and needs
a package of a hundred codecs for LZW. The tags srkit can read anyway, for EXIF.

Convention
    Read: gray, palette, RGB and CMYK (made sRGB) of 8 bits, gray and RGB of 16 bits, gray of 1
    bit; plain, LZW, Deflate and PackBits; strips or tiles; samples together or in planes; with
    or without alpha; any number of bands, of 8 or 16 bits, which are all but a channel beside gray
    or RGB that is said to be alpha. One page, besides smaller copies of it. All else is refused.
"""

# Shapes: H W height and width, S samples a pixel.

from typing import BinaryIO

import numpy as np
from PIL import Image as PillowImage

from srkit.images import exif as ex
from srkit.images.colour_profile import cmyk_to_rgb
from srkit.images.image import Image, Metadata, Refused, Samples
from srkit.images.limits import CheckSize
from srkit.images.metadata import STRUCTURE_TAGS, dpi_of
from srkit.images.tiff_page import (
    CMYK,
    PALETTE,
    WHITE_IS_ZERO,
    Page,
    Tag,
    is_smaller_copy,
    understand,
)
from srkit.images.tiff_segments import read_samples

_MAX_PAGES = 32


def read_tiff(file: BinaryIO, check_size: CheckSize) -> Image:
    """Read a TIFF file; its exif holds the tags that describe the picture, and the orientation."""

    def read_at(offset: int, size: int) -> bytes:
        file.seek(offset)
        return file.read(size)

    block = ex.parse_at(read_at)
    if block is None:
        raise Refused("damaged TIFF file: it has no tags")
    page = understand(block, check_size)
    _check_pages(block, read_at)
    profile, xmp, iptc = (_take(block, tag) for tag in (Tag.PROFILE, Tag.XMP, Tag.IPTC))
    samples = read_samples(file, page, block.order)
    alpha = None
    if page.samples > page.colours:
        samples, alpha = (
            np.ascontiguousarray(samples[..., : page.colours]),
            np.ascontiguousarray(samples[..., page.colours]),
        )
    colour = _colour(samples, page, block, profile)
    if alpha is not None and page.premultiplied:
        colour = _divided(colour, alpha)
    for tag in STRUCTURE_TAGS & block.root.entries.keys():
        del block.root.entries[tag]
    return Image(
        colour=colour,
        alpha=alpha,
        profile=None if page.photometric == CMYK else profile,
        metadata=Metadata(exif=ex.pack(block), dpi=dpi_of(block), xmp=xmp, iptc=iptc),
    )


def _check_pages(first: ex.Exif, read_at: ex.ReadAt) -> None:
    """Refuse a file with a second picture; smaller copies of the first are none."""
    following = first.root.following
    for _ in range(_MAX_PAGES):
        directory = ex.read_directory(read_at, first.order, following) if following else None
        if directory is None:
            return
        if not is_smaller_copy(ex.Exif(first.order, directory)):
            break
        following = directory.following
    raise Refused("TIFF files with several pages are not handled yet")


def _take(block: ex.Exif, tag: int) -> bytes | None:
    entry = block.root.entries.pop(tag, None)
    return entry.data if entry else None


def _colour(samples: Samples, page: Page, block: ex.Exif, profile: bytes | None) -> Samples:
    if page.photometric == WHITE_IS_ZERO:
        return np.invert(samples)
    if page.photometric == PALETTE:
        table = np.array(block.numbers(Tag.PALETTE))
        if table.size != 3 * 256:
            raise Refused("damaged TIFF file: it has no palette")
        # Of the 16 bits in a palette the upper 8 count; some writers repeat them below.
        return (table >> 8).astype(np.uint8).reshape(3, 256).T[samples[..., 0]]
    if page.photometric == CMYK:
        return cmyk_to_rgb(PillowImage.fromarray(samples, "CMYK"), profile)
    return samples


def _divided(colour: Samples, alpha: Samples) -> Samples:
    """Undo a multiplication by alpha; what was wholly transparent has no colour, and is black."""
    maximum = np.iinfo(colour.dtype).max
    weight = alpha[..., None].astype(np.uint32)
    straight = (colour.astype(np.uint32) * maximum + weight // 2) // np.maximum(weight, 1)
    return np.where(weight > 0, np.minimum(straight, maximum), 0).astype(colour.dtype)
