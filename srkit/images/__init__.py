"""The one boundary between image files and pixels.

Reading takes PNG, JPEG, WebP, BMP and TIFF files and gives an `Image`; writing turns one into a
file again, all of it or nothing. What srkit cannot yet carry through unaltered is refused with
one line, and nothing is guessed: the format comes from the bytes, the range from their type.
"""

from srkit.images.bands import read_bands
from srkit.images.folder import (
    OTHER_SUFFIXES,
    READABLE_SUFFIXES,
    count_kinds,
    image_files,
    no_images,
    other_images,
)
from srkit.images.image import Image, Metadata
from srkit.images.limits import DEFAULT_MAX_PIXELS
from srkit.images.metadata import MetadataPolicy
from srkit.images.reading import read_image, read_size
from srkit.images.tensors import from_tensor, to_tensor
from srkit.images.writing import WRITABLE_SUFFIXES, write_image

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "OTHER_SUFFIXES",
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Image",
    "Metadata",
    "MetadataPolicy",
    "count_kinds",
    "from_tensor",
    "image_files",
    "no_images",
    "other_images",
    "read_bands",
    "read_image",
    "read_size",
    "to_tensor",
    "write_image",
]
