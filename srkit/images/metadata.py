"""How much of what a file said about its picture goes into the next file.

Three policies, for `Metadata` and for the colour profile beside it:
    private  the date, the camera and how it was set, and the resolution. Not the place, the
             owner, serial numbers, the maker's secret notes, or anything that somebody wrote.
    keep     everything the new file's format can hold.
    strip    nothing.
The ICC profile is part of the picture's colours and stays under all three.

Convention
    What is private is not listed but what is not: an unknown tag is left out. Sizes in the
    tags are set to those of the image being written, whatever the policy.
"""

import re
from dataclasses import replace
from typing import Literal

from srkit.images import exif as ex
from srkit.images.image import Image, Metadata

MetadataPolicy = Literal["private", "keep", "strip"]

# fmt: off
_PUBLIC_IMAGE_TAGS = frozenset({
    0x010F, 0x0110,                  # make and model of the camera
    ex.ORIENTATION, ex.X_RESOLUTION, ex.Y_RESOLUTION, ex.RESOLUTION_UNIT,
    0x0132,                          # date and time
    0x0213,                          # where chroma samples lie
})
_PUBLIC_CAMERA_TAGS = frozenset({
    0x829A, 0x829D, 0x8822, 0x8827, 0x8830, 0x8831, 0x8832,  # exposure, aperture, sensitivity
    0x9000,                          # version of the standard
    0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292,  # dates and time zones
    0x9201, 0x9202, 0x9203, 0x9204, 0x9205, 0x9206, 0x9207, 0x9208, 0x9209, 0x920A,  # settings
    0xA001, 0xA002, 0xA003,          # colour space, width, height
    0xA20E, 0xA20F, 0xA210, 0xA217,  # the sensor
    0xA401, 0xA402, 0xA403, 0xA404, 0xA405, 0xA406, 0xA407, 0xA408, 0xA409, 0xA40A, 0xA40C,
    0xA432, 0xA433, 0xA434,          # the lens, without its serial number
})
# fmt: on
_WIDTH, _HEIGHT = 0xA002, 0xA003
# Where the pixels lie in the old file, and how: a new file has its own, and EXIF none.
# fmt: off
STRUCTURE_TAGS = frozenset({
    254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288,
    289, 290, 291, 292, 293, 297, 301, 317, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336,
    338, 339, 340, 341, 342, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 532,
})
# fmt: on
_INCH, _CENTIMETRE = 2, 3


def selected(image: Image, policy: MetadataPolicy) -> Metadata:
    """Give what the policy lets through, made to agree with the image as it is now."""
    everything = image.metadata
    if policy == "strip":
        return Metadata()
    block = ex.parse(everything.exif) if everything.exif else None
    if block is not None:
        if policy == "private":
            block.root = _public(block.root)
        _agree(block, image, everything.dpi)
    allowed = Metadata(exif=ex.pack(block) if block else None, dpi=everything.dpi)
    if policy == "private":
        return allowed
    xmp = everything.xmp and _with_size(everything.xmp, image.width, image.height)
    return replace(everything, exif=allowed.exif, xmp=xmp)


def _public(root: ex.Directory) -> ex.Directory:
    camera = root.inside.get(ex.CAMERA)
    inside = {ex.CAMERA: _only(camera, _PUBLIC_CAMERA_TAGS)} if camera else {}
    return ex.Directory(_only(root, _PUBLIC_IMAGE_TAGS).entries, inside)


def _only(directory: ex.Directory, tags: frozenset[int]) -> ex.Directory:
    return ex.Directory({tag: entry for tag, entry in directory.entries.items() if tag in tags})


def _agree(block: ex.Exif, image: Image, dpi: tuple[float, float] | None) -> None:
    entries = block.root.entries
    for tag in STRUCTURE_TAGS & entries.keys():
        del entries[tag]
    if dpi is not None:
        entries[ex.X_RESOLUTION], entries[ex.Y_RESOLUTION] = map(block.rational, dpi)
        entries[ex.RESOLUTION_UNIT] = block.short(_INCH)
    if camera := block.root.inside.get(ex.CAMERA):
        for tag, value in ((_WIDTH, image.width), (_HEIGHT, image.height)):
            if tag in camera.entries:
                camera.entries[tag] = block.long(value)


def dpi_of(block: ex.Exif) -> tuple[float, float] | None:
    """Read the resolution out of a block's tags; None if they do not say it in real units."""
    x, y = block.ratio(ex.X_RESOLUTION), block.ratio(ex.Y_RESOLUTION)
    unit = (*block.numbers(ex.RESOLUTION_UNIT), _INCH)[0]  # inches, unless it says otherwise
    if not x or not y or unit not in (_INCH, _CENTIMETRE):
        return None
    factor = 2.54 if unit == _CENTIMETRE else 1.0
    return x * factor, y * factor


def exif_with_dpi(metadata: Metadata) -> bytes | None:
    """Give the EXIF block, made for it where need be, of a format that has no other place."""
    if metadata.exif is not None or metadata.dpi is None:
        return metadata.exif
    block = ex.Exif()
    block.root.entries[ex.X_RESOLUTION], block.root.entries[ex.Y_RESOLUTION] = map(
        block.rational, metadata.dpi
    )
    block.root.entries[ex.RESOLUTION_UNIT] = block.short(_INCH)
    return ex.pack(block)


def upright_xmp(xmp: bytes) -> bytes:
    """Say that the picture is upright, where an XMP packet says how it is turned."""
    return _set_number(xmp, b"tiff:Orientation", 1)


def _with_size(xmp: bytes, width: int, height: int) -> bytes:
    for name, value in (
        (b"tiff:ImageWidth", width),
        (b"tiff:ImageLength", height),
        (b"exif:PixelXDimension", width),
        (b"exif:PixelYDimension", height),
    ):
        xmp = _set_number(xmp, name, value)
    return xmp


def _set_number(xmp: bytes, name: bytes, value: int) -> bytes:
    # Either an attribute, name="12", or an element, <name>12</name>.
    return re.sub(rb"(" + name + rb"(?:\s*=\s*[\"']|\s*>\s*))\d+", rb"\g<1>%d" % value, xmp)
