"""A folder of HR images as a training set, held in memory with their LR images.

LR images are made once, ahead of training, so that a training step never waits for them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from srkit.data.pairs import Pair, Source
from srkit.errors import DataError
from srkit.images import image_files
from srkit.images.naming import display_name


def load_training_set(
    folder: Path,
    *,
    scale: int,
    patch_size: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Pair]:
    """Read every image under a folder and make its LR image.

    The patch size is in LR pixels; `progress` is called with the images done and of all images.

    Raises: DataError naming the folder when it holds no image, or the first file in the order of
        names that has 16 bits or is smaller than a patch; ImageError for a file that cannot be
        read or has transparency.
    """
    if not folder.is_dir():
        raise DataError(f"{display_name(folder)}: no such folder")
    paths = image_files(folder, recursive=True)
    if not paths:
        raise DataError(
            f"{display_name(folder)}: no images in this folder", hint="PNG, JPEG, WebP, BMP or TIFF"
        )
    pairs = []
    # Decoding and resizing release the interpreter's lock, so two threads use two cores.
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(_load, folder, path, scale, patch_size) for path in paths]
        try:
            for done, job in enumerate(jobs, start=1):
                pairs.append(job.result())
                if progress is not None:
                    progress(done, len(paths))
        finally:
            for job in jobs:
                job.cancel()
    return pairs


def _load(folder: Path, path: Path, scale: int, patch_size: int) -> Pair:
    pair = Source(name=str(path.relative_to(folder)), hr=path, lr=None).load(scale)
    if pair.hr.dtype != np.uint8:
        raise DataError(f"{display_name(path)}: 16 bits a channel; training reads 8-bit images")
    height, width = pair.lr.shape[:2]
    if min(height, width) < patch_size:
        raise DataError(
            f"{display_name(path)}: {width * scale}x{height * scale} is smaller than an HR patch "
            f"of {patch_size * scale}",
            hint="remove the file or train with a smaller --patch-size",
        )
    return pair
