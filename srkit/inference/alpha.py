"""Transparency: the colours under it.

The colour of a fully transparent pixel means nothing, and is often black or white. A model would
carry it into the visible pixels next to it as a dark or bright fringe, so the colour of the nearest
pixel that is not fully transparent is put there first.
"""

# Shapes: H W height and width, K image channels.

import cv2
import numpy as np

from srkit.images.image import Samples


def bleed(colour_HWK: Samples, alpha_HW: Samples) -> Samples:
    """Give fully transparent pixels the colour of the nearest other pixel (to about two pixels).

    Shape: (H, W, K) and (H, W) of any integer type -> (H, W, K), a copy where anything changes.
    Without transparent pixels, and without others, the colours are given back as they are.
    """
    transparent_HW = alpha_HW == 0
    if not transparent_HW.any() or transparent_HW.all():
        return colour_HWK
    # Every pixel gets the number of the nearest zero, here: of the nearest pixel with a colour.
    _, nearest_HW = cv2.distanceTransformWithLabels(
        transparent_HW.astype(np.uint8),
        cv2.DIST_L2,
        cv2.DIST_MASK_5,
        labelType=cv2.DIST_LABEL_PIXEL,
    )
    coloured_HW = ~transparent_HW
    colour_of = np.empty((nearest_HW.max() + 1, colour_HWK.shape[2]), colour_HWK.dtype)
    colour_of[nearest_HW[coloured_HW]] = colour_HWK[coloured_HW]
    bled_HWK = colour_HWK.copy()
    bled_HWK[transparent_HW] = colour_of[nearest_HW[transparent_HW]]
    return bled_HWK
