"""Pairs of an HR image and the LR image that a model is asked to enlarge back to it.

Convention
    HR images are cropped at the bottom and right to a multiple of the scale; where three bands are
    wanted, a gray one becomes three equal ones. LR images are MATLAB's bicubic of the cropped HR
    image, rounded to its levels after each pass; or they are given. A given one may have been made
    of the HR image before it was cropped: its sides are those of the HR image divided by the scale,
    rounded down or up (as MATLAB does), and of what was rounded up the last row or column is
    cropped. Its first pixel lies over the HR image's first.
    At scale 1 (autoencoding) the LR image is the HR image.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from srkit.errors import DataError, ImageError
from srkit.images import image_files, no_images, read_bands
from srkit.images.image import Samples
from srkit.images.naming import display_name
from srkit.transforms.resize import imresize, imresize_uint8

TRACKS = ("", "m", "d", "w", "w1", "w2", "w3", "w4")
"""What DIV2K's tracks write behind the scale in an LR image's name; wild has four an image."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two (H, W, K) arrays, uint8 or uint16; `hr` is `scale` times as large as `lr`."""

    name: str
    scale: int
    lr: Samples
    hr: Samples


@dataclass(frozen=True, kw_only=True)
class Source:
    """The files a pair is made of."""

    name: str
    hr: Path
    lr: Path | None

    def load(self, scale: int, *, make_lr: bool = True, bands: int | None = 3) -> Pair:
        """Read the images, crop the HR image and make the LR image unless there is one.

        Without `make_lr` an LR image that is not given is left empty, of no rows. The images must
        have so many `bands`; None = any.

        Raises: ImageError naming the file that cannot be used; DataError when the sizes of given
            LR and HR images do not agree, or their bands.
        """
        hr = read_bands(self.hr, bands)
        whole = hr.shape[:2]
        height, width = (side // scale * scale for side in whole)
        if min(height, width) == 0:
            raise ImageError(
                f"{display_name(self.hr)}: {whole[1]}x{whole[0]} pixels are too few for scale "
                f"{scale}"
            )
        hr = hr[:height, :width]
        if self.lr is None:
            lr = hr[:0]
            if make_lr:
                lr = hr if scale == 1 else bicubic(hr, 1 / scale)
            return Pair(name=self.name, scale=scale, lr=lr, hr=hr)
        lr = read_bands(self.lr, hr.shape[2])
        self.require_sizes(lr.shape[:2], whole, scale)
        return Pair(name=self.name, scale=scale, lr=lr[: height // scale, : width // scale], hr=hr)

    def require_sizes(self, lr: tuple[int, ...], hr: tuple[int, ...], scale: int) -> None:
        """Refuse an LR image whose (height, width) is not its HR image's at this scale.

        Raises: DataError naming both.
        """
        assert self.lr is not None
        if not sizes_agree(lr, hr, scale):
            raise DataError(
                f"{display_name(self.lr)}: {lr[1]}x{lr[0]} pixels, {scale} times that is not the "
                f"{hr[1]}x{hr[0]} of {display_name(self.hr)}"
            )


def sizes_agree(lr: tuple[int, ...], hr: tuple[int, ...], scale: int) -> bool:
    """Tell whether sides are those of the HR image divided by the scale, rounded down or up.

    >>> sizes_agree((25, 26), (204, 204), 8), sizes_agree((25, 27), (204, 204), 8)
    (True, False)
    """
    return all(a in (b // scale, -(-b // scale)) for a, b in zip(lr, hr, strict=True))


def lr_names(stem: str, scale: int) -> list[str]:
    """List what an HR image's LR images may be called, its own name first, without suffixes.

    >>> lr_names("0001", 4)[:3]
    ['0001', '0001x4', '0001x4m']
    """
    return [stem, *(f"{stem}x{scale}{track}" for track in TRACKS)]


def find_sources(folder: Path, scale: int, *, lr_folder: Path | None = None) -> list[Source]:
    """List the HR images directly in a folder, each with its LR image if a folder of them is given.

    An LR image has its HR image's name, or that name and an ending such as x4 or x4m (DIV2K's
    way); the suffix may differ.

    Raises: DataError when a folder is missing or holds no image, or an LR image is missing.
    """
    hr_paths = _images_in(folder)
    if lr_folder is None:
        return [Source(name=display_name(path.name), hr=path, lr=None) for path in hr_paths]
    lr_paths = {path.stem: path for path in _images_in(lr_folder)}
    sources = []
    for path in hr_paths:
        names = lr_names(path.stem, scale)
        lr = next((lr_paths[name] for name in names if name in lr_paths), None)
        if lr is None:
            stem = display_name(path.stem)
            raise DataError(
                f"{display_name(lr_folder)}: no LR image is called {stem} or {stem}x{scale}"
            )
        sources.append(Source(name=display_name(path.name), hr=path, lr=lr))
    return sources


def load_all(sources: list[Source], scale: int, *, bands: int | None = 3) -> Iterator[Pair]:
    """Load the pairs one after another, so that only one is in memory."""
    return (source.load(scale, bands=bands) for source in sources)


def prepare(
    folder: Path, scale: int, *, lr_folder: Path | None = None, bands: int | None = 3
) -> list[Pair]:
    """Load every pair of a folder once, to score models on them again and again.

    Raises: DataError and ImageError as `find_sources` and `Source.load`.
    """
    return list(load_all(find_sources(folder, scale, lr_folder=lr_folder), scale, bands=bands))


def bicubic(image: Samples, scale: float) -> Samples:
    """Resize as MATLAB does an array of the same type: uint8 or uint16, rounded after each pass.

    Shape: (H, W, K) -> (ceil(scale H), ceil(scale W), K).
    """
    if image.dtype == np.uint8:
        return imresize_uint8(image.astype(np.uint8, copy=False), scale)
    levels = int(np.iinfo(image.dtype).max)
    planes = torch.from_numpy(image.astype(np.float64) / levels).permute(2, 0, 1)[None]
    resized = imresize(planes, scale=scale, levels=levels)[0].permute(1, 2, 0) * levels
    return resized.round().numpy().astype(np.uint16)


def _images_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{display_name(folder)}: no such folder")
    paths = image_files(folder, recursive=False)
    if not paths:
        raise DataError(no_images(folder))
    return paths
