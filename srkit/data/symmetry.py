"""The eight symmetries of the square, which make eight images of one.

Convention
    0 to 3 are as many quarter turns, counterclockwise as images are shown; 4 to 7 the same,
    mirrored from left to right afterwards.
"""

from typing import Any

import cv2
import numpy as np

from srkit.images.image import Samples

# Each of the eight symmetries as a transposition, or none, and then a flip of OpenCV's, or none.
_TRANSPOSED = (False, True, False, True) * 2
_FLIPPED = (None, 0, -1, 1, 1, -1, 0, None)


def symmetries(*, use_hflip: bool, use_rot: bool) -> list[int]:
    """Give the symmetries of the square that mirroring and quarter turns lead to.

    >>> symmetries(use_hflip=True, use_rot=False)
    [0, 4]
    """
    turns = range(4) if use_rot else range(1)
    return [turned + 4 * flip for flip in range(1 + use_hflip) for turned in turns]


def turn(patch: Samples, symmetry: int) -> Samples:
    """Apply one of the eight symmetries of the square: 0 to 3 rotate, 4 to 7 mirror as well."""
    if patch.shape[2] != 3:  # OpenCV turns few numbers of bands
        turned = np.rot90(patch, symmetry % 4)
        return np.ascontiguousarray(turned[:, ::-1] if symmetry >= 4 else turned)
    # OpenCV's are ten times as fast as copying numpy's turned views, pixel by pixel.
    transposed = cv2.transpose(patch) if _TRANSPOSED[symmetry] else patch
    flip = _FLIPPED[symmetry]
    samples: Any = transposed if flip is None else cv2.flip(transposed, flip)
    result: Samples = samples  # cv2 says nothing of the type, which is the patch's
    return result
