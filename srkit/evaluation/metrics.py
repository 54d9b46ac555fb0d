"""PSNR and SSIM under named, frozen protocols, so that a number can be compared with the papers'.

Convention
    Images are (height, width, 3) uint8 or uint16 arrays, under `sr-bands` of any number of bands;
    the range comes from the type, never from
    the pixels, and every image is brought to 0..255 before it is measured. `data_range` is 255
    for Y as well, although studio Y only spans 16..235, as in the papers.
    Identical images have infinite PSNR. SSIM of an image smaller than its window is NaN.

Source: Wang et al., "Image quality assessment: from error visibility to structural similarity",
IEEE Transactions on Image Processing 13(4), 2004, with the settings of its authors' code (Gaussian
window, valid region), except that no image is made smaller first, as in the SR papers.
"""

# Shapes: C channels (1 for luma), K bands of an image, H W height and width.

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from srkit.errors import ConfigError, ImageError
from srkit.images.image import Samples
from srkit.transforms.color import rgb_to_luma

WINDOW = 11
SIGMA = 1.5


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How two images are compared; the numbers mean nothing without it."""

    name: str
    luma: bool
    """Compare the BT.601 studio luma Y, not rounded, instead of the channels."""
    any_bands: bool = False
    """Compare all bands there are, instead of RGB alone."""
    extra_crop: int = 0
    """Pixels cut off each side in addition to the scale."""

    def crop(self, scale: int) -> int:
        """Give how many pixels are cut off each side of the enlarged image."""
        return scale + self.extra_crop

    def describe(self, scale: int) -> str:
        """Say in a few words what is measured.

        >>> PROTOCOLS["sr-y"].describe(4)
        'sr-y: BT.601 Y, crop 4, prediction rounded, mean over images'
        """
        channels = "BT.601 Y" if self.luma else "all bands" if self.any_bands else "RGB"
        cropped = f"crop {self.crop(scale)}"
        return f"{self.name}: {channels}, {cropped}, prediction rounded, mean over images"


PROTOCOLS: dict[str, Protocol] = {
    "sr-y": Protocol(name="sr-y", luma=True),
    "sr-rgb": Protocol(name="sr-rgb", luma=False),
    "div2k-rgb": Protocol(name="div2k-rgb", luma=False, extra_crop=6),
    "sr-bands": Protocol(name="sr-bands", luma=False, any_bands=True),
}


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What one image scored."""

    psnr: float
    """Decibels; infinite for identical images."""
    ssim: float
    """At most 1; NaN where the cropped image is smaller than the 11 x 11 window."""


def find_protocol(name: str) -> Protocol:
    """Give the protocol of that name. Raises: ConfigError listing the names."""
    if name not in PROTOCOLS:
        raise ConfigError(f"unknown protocol {name!r}: choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def require_bands(protocol: str, bands: int) -> None:
    """Raise a ConfigError when a protocol does not compare images of so many bands."""
    if bands != 3 and not find_protocol(protocol).any_bands:
        words = "one band" if bands == 1 else f"{bands} bands"
        raise ConfigError(
            f"protocol {protocol} compares RGB images, not {words}", hint="--protocol sr-bands"
        )


def measure(prediction: Samples, reference: Samples, *, scale: int, protocol: str) -> Scores:
    """Compare an enlarged image with the one it should have become.

    Shape: (H, W, 3) uint8 or uint16 both; (H, W, K) under `sr-bands`.
    Raises: ConfigError for an unknown protocol, and for bands it does not compare; ImageError when
        the sizes differ or the crop leaves nothing.
    """
    rules = find_protocol(protocol)
    if prediction.shape != reference.shape:
        raise ImageError(
            f"cannot compare {_size(prediction)} with {_size(reference)}: the sizes must be equal"
        )
    require_bands(protocol, reference.shape[2])
    prediction_CHW = _planes(crop(prediction, scale=scale, protocol=protocol), rules)
    reference_CHW = _planes(crop(reference, scale=scale, protocol=protocol), rules)
    return Scores(
        psnr=psnr(prediction_CHW, reference_CHW, data_range=255),
        ssim=ssim(prediction_CHW, reference_CHW, data_range=255),
    )


def crop(image: Samples, *, scale: int, protocol: str) -> Samples:
    """Cut off the border that the protocol leaves out. Raises: ImageError when nothing is left."""
    margin = find_protocol(protocol).crop(scale)
    height, width = image.shape[:2]
    if min(height, width) <= 2 * margin:
        raise ImageError(
            f"{width}x{height} pixels leave nothing after cropping {margin} on each side"
        )
    return image[margin : height - margin, margin : width - margin]


def psnr(prediction_CHW: Tensor, reference_CHW: Tensor, *, data_range: float) -> float:
    """Compute the peak signal-to-noise ratio in decibels; infinite when the images are equal.

    >>> psnr(torch.zeros(1, 8, 8), torch.full((1, 8, 8), 25.5), data_range=255)
    20.0
    """
    error = (prediction_CHW.double() - reference_CHW.double()).square().mean().item()
    return math.inf if error == 0 else 10 * math.log10(data_range**2 / error)


def ssim(prediction_CHW: Tensor, reference_CHW: Tensor, *, data_range: float) -> float:
    """Compute the structural similarity, averaged over pixels and then over channels.

    Gaussian window 11 x 11 of sigma 1.5, K1 = 0.01, K2 = 0.03, population covariance, and only
    where the whole window lies inside the image. NaN when it lies inside nowhere.
    """
    if min(prediction_CHW.shape[-2:]) < WINDOW:
        return math.nan
    # One channel at a time: an image of 2K needs 0.2 GB this way and three times as much at once.
    channels = [
        _ssim_of_channel(prediction_HW.double(), reference_HW.double(), data_range)
        for prediction_HW, reference_HW in zip(prediction_CHW, reference_CHW, strict=True)
    ]
    return sum(channels) / len(channels)


def _ssim_of_channel(x_HW: Tensor, y_HW: Tensor, data_range: float) -> float:
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_x, mean_y = _blur(x_HW), _blur(y_HW)
    variance_x = _blur(x_HW * x_HW) - mean_x * mean_x
    variance_y = _blur(y_HW * y_HW) - mean_y * mean_y
    covariance = _blur(x_HW * y_HW) - mean_x * mean_y
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x.square() + mean_y.square() + c1) * (variance_x + variance_y + c2)
    )
    return similarity.mean().item()


def _blur(x_HW: Tensor) -> Tensor:
    offsets = [k - WINDOW // 2 for k in range(WINDOW)]
    weights = [math.exp(-(k**2) / (2 * SIGMA**2)) for k in offsets]
    total = sum(weights)
    height, width = (side - WINDOW + 1 for side in x_HW.shape)
    # Sums of shifted images: torch has no fast float64 convolution of one channel on the CPU.
    rows = torch.zeros_like(x_HW[:height])
    for k, weight in enumerate(weights):
        rows.add_(x_HW[k : k + height], alpha=weight / total)
    blurred = torch.zeros_like(rows[:, :width])
    for k, weight in enumerate(weights):
        blurred.add_(rows[:, k : k + width], alpha=weight / total)
    return blurred


def _planes(image: Samples, protocol: Protocol) -> Tensor:
    unit = torch.from_numpy(image.astype(np.float64) / np.iinfo(image.dtype).max).permute(2, 0, 1)
    return rgb_to_luma(unit[None])[0] if protocol.luma else 255 * unit


def _size(image: Samples) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
