"""What the tags of a TIFF file say about its pixels.

Source: Adobe, "TIFF Revision 6.0", 1992.
"""

from dataclasses import dataclass
from enum import IntEnum

from srkit.images import exif as ex
from srkit.images.image import Refused
from srkit.images.limits import CheckSize


class Tag(IntEnum):
    SUBFILE_TYPE = 254
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    SAMPLES = 277
    STRIP_ROWS = 278
    STRIP_BYTES = 279
    PLANES = 284
    PREDICTOR = 317
    PALETTE = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_BYTES = 325
    SUBFILES = 330
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    XMP = 700
    IPTC = 33723
    PROFILE = 34675
    DNG_VERSION = 50706


WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK = 0, 1, 2, 3, 5
_COLOURS = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4}
_DEPTHS = {
    WHITE_IS_ZERO: (1, 8, 16),
    BLACK_IS_ZERO: (1, 8, 16),
    RGB: (8, 16),
    PALETTE: (8,),
    CMYK: (8,),
}
_OTHER_COLOURS = {4: "mask", 6: "YCbCr", 8: "CIELAB", 9: "ICCLAB", 10: "ITULAB", 32803: "raw"}
_UNSIGNED, _OTHER_SAMPLES = 1, {2: "signed", 3: "floating-point"}
_UNSPECIFIED, PREMULTIPLIED, _STRAIGHT = 0, 1, 2
_SMALLER_COPY = 1
_TOGETHER, _APART = 1, 2


@dataclass(frozen=True)
class Page:
    """One picture of a TIFF file, of a kind that srkit reads."""

    width: int
    height: int
    depth: int
    samples: int
    """A pixel's, colours first."""

    colours: int
    """All samples but alpha: 1 or 3, 4 of CMYK, or as many as there are bands."""

    photometric: int
    premultiplied: bool
    compression: int
    predictor: int
    planes: int
    """1 when a pixel's samples lie together, or as many as there are samples."""

    tiled: bool
    rows: int
    columns: int
    """Of a strip or tile."""

    places: tuple[tuple[int, int], ...]
    """Where each strip or tile begins in the file, and how many bytes it has."""


def understand(block: ex.Exif, check_size: CheckSize) -> Page:
    """Make sense of a page's tags.

    Raises: Refused for what is damaged, too large, or would not come out as it should.
    """
    if missing := block.root.lost & set(Tag):
        raise Refused(f"damaged TIFF file: tag {min(missing)} cannot be read")
    width, height = _number(block, Tag.WIDTH), _number(block, Tag.HEIGHT)
    samples = _number(block, Tag.SAMPLES, 1)
    check_size(width, height, samples)
    photometric = _number(block, Tag.PHOTOMETRIC)
    if photometric not in _COLOURS:
        name = _OTHER_COLOURS.get(photometric, f"of kind {photometric}")
        raise Refused(f"TIFF files with {name} colours are not handled yet")
    extra = block.numbers(Tag.EXTRA_SAMPLES)
    colours = _colours(photometric, samples, extra)
    depth = _depth(block, photometric, samples)
    if _number(block, Tag.FILL_ORDER, 1) != 1:
        raise Refused("TIFF files with reversed bits are not handled yet")
    if is_smaller_copy(block) or Tag.DNG_VERSION in block.root.entries:
        raise Refused("its first picture is only a preview, as in a camera's raw file")
    if Tag.SUBFILES in block.root.entries:
        raise Refused("TIFF files with pictures inside pictures are not handled yet")
    planes = _number(block, Tag.PLANES, _TOGETHER)
    if planes not in (_TOGETHER, _APART):
        raise Refused(f"damaged TIFF file: no arrangement {planes} of samples exists")
    tiled = bool(block.numbers(Tag.TILE_WIDTH))
    if tiled:
        rows, columns = _number(block, Tag.TILE_HEIGHT), _number(block, Tag.TILE_WIDTH)
        # At the edge tiles reach beyond the image, but one cannot be a bomb of its own.
        if rows * columns > 4 * (height + 1024) * (width + 1024):
            raise Refused("damaged TIFF file: its tiles are far larger than the image")
    else:
        rows, columns = min(_number(block, Tag.STRIP_ROWS, height), height), width
    if rows < 1 or columns < 1:
        raise Refused("damaged TIFF file: its strips or tiles have no pixels")
    offsets = block.numbers(Tag.TILE_OFFSETS if tiled else Tag.STRIP_OFFSETS)
    counts = block.numbers(Tag.TILE_BYTES if tiled else Tag.STRIP_BYTES)
    return Page(
        width=width,
        height=height,
        depth=depth,
        samples=samples,
        colours=colours,
        photometric=photometric,
        premultiplied=extra == (PREMULTIPLIED,),
        compression=_number(block, Tag.COMPRESSION, 1),
        predictor=_number(block, Tag.PREDICTOR, 1),
        planes=samples if planes == _APART else 1,
        tiled=tiled,
        rows=rows,
        columns=columns,
        places=tuple(zip(offsets, counts, strict=False)),
    )


def is_smaller_copy(block: ex.Exif) -> bool:
    return bool(_number(block, Tag.SUBFILE_TYPE, 0) & _SMALLER_COPY)


def _number(block: ex.Exif, tag: Tag, otherwise: int | None = None) -> int:
    values = block.numbers(tag)
    if values:
        return values[0]
    if otherwise is None or tag in block.root.entries:
        raise Refused(f"damaged TIFF file: tag {tag} says nothing")
    return otherwise


def _depth(block: ex.Exif, photometric: int, samples: int) -> int:
    # Some writers give one number for all samples, some one for each, and some a few too many.
    formats = set(block.numbers(Tag.SAMPLE_FORMAT)[:samples]) or {_UNSIGNED}
    if formats != {_UNSIGNED}:
        name = _OTHER_SAMPLES.get(max(formats), "other")
        raise Refused(f"TIFF files with {name} samples are not handled yet")
    depths = set(block.numbers(Tag.BITS)[:samples]) or {1}
    if len(depths) > 1 or max(depths) not in _DEPTHS[photometric]:
        bits = ", ".join(map(str, sorted(depths)))
        raise Refused(f"TIFF files with {bits}-bit samples of this kind are not handled yet")
    return depths.pop()


def _colours(photometric: int, samples: int, meanings: tuple[int, ...]) -> int:
    """Say how many of a pixel's samples are not its alpha, which may be the last one."""
    colours = _COLOURS[photometric]
    extra = samples - colours
    if extra < 0:
        raise Refused("damaged TIFF file: it has fewer samples than colours")
    if extra == 0:
        return colours
    if photometric not in (BLACK_IS_ZERO, RGB):
        raise Refused(f"TIFF files with {extra} channels beside the colours are not handled yet")
    if extra == 1 and meanings in ((PREMULTIPLIED,), (_STRAIGHT,)):
        return colours
    if PREMULTIPLIED in meanings or _STRAIGHT in meanings:
        raise Refused(
            f"TIFF files with transparency beside {samples - 1} bands are not handled yet"
        )
    # Some programs do not say of their alpha what it is: a channel beside RGB may be anything.
    if extra == 1 and (photometric == RGB or meanings != (_UNSPECIFIED,)):
        raise Refused(
            "it does not say whether the channel beside its colours is alpha",
            hint="bands that are no colours have photometric interpretation 1, black is zero",
        )
    return samples
