"""HR images in memory, each with the LR image that MATLAB's bicubic makes of it.

LR images are made once, ahead of training, so that a training step never waits for them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from srkit.errors import DataError
from srkit.images import image_files, read_image
from srkit.transforms.resize import imresize_uint8

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class TrainingPair:
    """One HR image, cropped to a multiple of the scale, and its LR image; both (H, W, K) uint8."""

    name: str
    hr: Pixels
    lr: Pixels


def load_pairs(
    folder: Path,
    *,
    scale: int,
    patch_size: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[TrainingPair]:
    """Read every image under a folder and make its LR image.

    The patch size is in LR pixels. At scale 1 (autoencoding) the LR image is the HR image.

    Raises: DataError naming the folder when it holds no image, or the first file in the order of
        names that is smaller than a patch or has 16 bits or transparency; ImageError for a file
        that cannot be read.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder")
    paths = image_files(folder, recursive=True)
    if not paths:
        raise DataError(f"{folder}: no images in this folder", hint="PNG, JPEG, WebP, BMP or TIFF")
    pairs = []
    # Decoding and resizing release the interpreter's lock, so two threads use two cores.
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(_load_pair, folder, path, scale, patch_size) for path in paths]
        try:
            for done, job in enumerate(jobs, start=1):
                pairs.append(job.result())
                if progress is not None:
                    progress(done, len(paths))
        finally:
            for job in jobs:
                job.cancel()
    return pairs


def _load_pair(folder: Path, path: Path, scale: int, patch_size: int) -> TrainingPair:
    image = read_image(path)
    if image.colour.dtype != np.uint8:
        raise DataError(f"{path}: 16 bits a channel; training reads 8-bit images")
    if image.alpha is not None:
        raise DataError(f"{path}: has transparency; training needs opaque images")
    colour: Pixels = image.colour.astype(np.uint8, copy=False)
    if colour.shape[2] == 1:
        colour = np.repeat(colour, 3, axis=2)
    height, width = (side // scale * scale for side in colour.shape[:2])
    if min(height, width) < patch_size * scale:
        raise DataError(
            f"{path}: {colour.shape[1]}x{colour.shape[0]} is smaller than an HR patch of "
            f"{patch_size * scale}",
            hint="remove the file or train with a smaller --patch-size",
        )
    hr = np.ascontiguousarray(colour[:height, :width])
    lr = hr if scale == 1 else imresize_uint8(hr, 1 / scale)
    return TrainingPair(name=str(path.relative_to(folder)), hr=hr, lr=lr)
