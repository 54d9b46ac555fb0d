"""Between Pillow's pictures and arrays."""

# Shapes: H W height and width, S samples a pixel.

import numpy as np
from PIL import Image as PillowImage

from srkit.images.image import Samples

_BAND_PIXELS = 2**20


def to_pillow(samples: Samples) -> PillowImage.Image:
    """Wrap (H, W, 1 to 4) 8-bit samples: gray, gray with alpha, RGB, RGB with alpha."""
    return PillowImage.fromarray(samples[..., 0] if samples.shape[2] == 1 else samples)


def pixels_of(picture: PillowImage.Image) -> Samples:
    """Give a loaded picture's samples as they are, palette entries and single bits included.

    Shape: (H, W), or (H, W, S) where a pixel has several.
    """
    width, height = picture.size
    rows = max(_BAND_PIXELS // width, 1)
    if rows >= height:
        return np.asarray(picture)
    # All at once, Pillow would hold everything three times: its own, in pieces, and joined.
    first = np.asarray(picture.crop((0, 0, width, rows)))
    out = np.empty((height, *first.shape[1:]), first.dtype)
    out[:rows] = first
    for top in range(rows, height, rows):
        bottom = min(top + rows, height)
        out[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    return out
