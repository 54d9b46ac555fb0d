"""Reading an image for what takes a given number of bands, and knows no transparency."""

from pathlib import Path

import numpy as np

from srkit.errors import ImageError
from srkit.images.image import Image, Samples
from srkit.images.limits import DEFAULT_MAX_PIXELS
from srkit.images.naming import display_name
from srkit.images.reading import read_image


def read_bands(
    path: Path, bands: int | None = 3, *, max_pixels: int = DEFAULT_MAX_PIXELS
) -> Samples:
    """Read an opaque image of so many bands (None = any); gray becomes three equal ones.

    Gray is left as it is where one band is wanted. An alpha that hides nothing is no loss.

    Shape: -> (H, W, bands) uint8 or uint16.
    Raises: ImageError as `read_image`, for transparency and for other bands.
    """
    image = read_image(path, max_pixels=max_pixels)
    if _hides(image):
        raise ImageError(f"{display_name(path)}: has transparency; only opaque images work here")
    if image.bands == 1 and bands in (3, None):
        return np.repeat(image.colour, 3, axis=2)
    if bands not in (image.bands, None):
        count = "1 band" if image.bands == 1 else f"{image.bands} bands"
        raise ImageError(
            f"{display_name(path)}: has {count}, not {bands}",
            hint=f"a model trained with network_g.image_channels={image.bands} takes it",
        )
    return image.colour


def _hides(image: Image) -> bool:
    return image.alpha is not None and bool((image.alpha < image.maximum).any())
