"""Writing TIFF files: the pixels by tifffile, Deflate-compressed; the tags by ourselves.

tifffile cannot write the directory of camera settings that EXIF adds. So its file is given a
second first directory, at the end, which has all that the first one had, and EXIF's entries too.
"""

# Shapes: H W height and width, S samples a pixel.

import io

import numpy as np
import tifffile

from srkit.images import exif as ex
from srkit.images.image import Image, Metadata
from srkit.images.metadata import exif_with_dpi
from srkit.images.tiff_page import Tag

_BYTE, _UNDEFINED = 1, 7
_EFFORT = 3  # of 9; the usual 6 makes files a tenth smaller and takes three times as long


def encode_tiff(image: Image, metadata: Metadata) -> bytes:
    """Give the bytes of a TIFF file; nothing is lost but PNG's text and JPEG comments."""
    block = exif_with_dpi(metadata)
    described = (block and ex.parse(block)) or ex.Exif()
    samples, rgb = image.colour, image.bands == 3
    extra = [] if rgb else ["unspecified"] * (image.bands - 1)
    if image.alpha is not None:
        samples = np.concatenate([samples, image.alpha[..., None]], axis=2)
        extra = ["unassalpha"]
    out = io.BytesIO()
    tifffile.imwrite(
        out,
        samples[..., 0] if samples.shape[2] == 1 else samples,
        # The tags' values are then right as they are.
        byteorder=described.order,
        photometric="rgb" if rgb else "minisblack",
        planarconfig=None if samples.shape[2] == 1 else "contig",
        extrasamples=extra or None,
        compression="zlib",
        compressionargs={"level": _EFFORT},
        predictor=True,
        metadata=None,
        software=False,
    )
    _add(out, described, image.profile, metadata)
    return out.getvalue()


def _add(out: io.BytesIO, described: ex.Exif, profile: bytes | None, metadata: Metadata) -> None:
    def read_at(offset: int, size: int) -> bytes:
        out.seek(offset)
        return out.read(size)

    file = ex.parse_at(read_at)
    if file is None:
        raise ValueError("tifffile wrote a file of another kind")
    entries = file.root.entries
    entries |= described.root.entries
    for tag, kind, data in (
        (Tag.XMP, _BYTE, metadata.xmp),
        (Tag.IPTC, _UNDEFINED, metadata.iptc),
        (Tag.PROFILE, _UNDEFINED, profile),
    ):
        if data:
            entries[tag] = ex.Entry(kind, data)
    root = ex.Directory(entries, described.root.inside)
    place = out.seek(0, io.SEEK_END)
    place += out.write(bytes(place % 2))  # offsets must be even
    out.write(ex.pack_directory(root, file.order, place))
    out.seek(4)
    out.write(file.long(place).data)
