"""The single damages that degradations are made of: blur, resizing, noise, JPEG.

All work on (1, 3, H, W) float32 images in [0, 1] and draw what is random from the generator given.
"""

# Shapes: K the three colours, H W height and width.

import math
from typing import Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.data.degradations.kernels import Kernel

Codec = Literal["kornia", "libjpeg"]

BLOCK = 16  # pixels that JPEG codes together, with the colours at half the size


def blur(image_1KHW: Tensor, kernel: Kernel) -> Tensor:
    """Filter with a kernel; borders are mirrored, or held where the image is too small for that."""
    from kornia.filters import filter2d  # kornia takes seconds to import

    weights = torch.from_numpy(kernel).float()[None]
    mirrored = min(image_1KHW.shape[-2:]) > len(kernel) // 2
    border = "reflect" if mirrored else "replicate"
    blurred: Tensor = filter2d(image_1KHW, weights, border_type=border)
    return blurred


def resize(image_1KHW: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    """Bring to (height, width) by `area`, `bilinear` or `bicubic`, without antialiasing."""
    if mode == "area":
        return F.interpolate(image_1KHW, size=size, mode=mode)
    return F.interpolate(image_1KHW, size=size, mode=mode, align_corners=False)


def gaussian_noise(
    image_1KHW: Tensor, sigma: float, *, gray: bool, generator: np.random.Generator
) -> Tensor:
    """Add normal noise of a standard deviation in 8-bit levels, equal in all channels if gray."""
    shape = (1, 1 if gray else 3, *image_1KHW.shape[2:])
    noise = generator.standard_normal(shape, dtype=np.float32)
    return image_1KHW + torch.from_numpy(noise) * (sigma / 255)


def poisson_noise(
    image_1KHW: Tensor, scale: float, *, gray: bool, generator: np.random.Generator
) -> Tensor:
    """Add `scale` times the noise of counting photons, as many as the image has 8-bit levels.

    As in Real-ESRGAN, the counts are of the next power of two of the number of levels in use.
    """
    clean = image_1KHW.clamp(0, 1)
    if gray:
        from kornia.color import rgb_to_grayscale

        clean = rgb_to_grayscale(clean)
    values = (clean * 255).round().to(torch.uint8).numpy()
    levels = 2 ** math.ceil(math.log2(np.count_nonzero(np.bincount(values.ravel()))))
    counted = generator.poisson(values * (levels / 255)) / levels
    noise = (counted - values / 255).astype(np.float32)
    return image_1KHW + torch.from_numpy(noise) * scale


def jpeg(
    image_1KHW: Tensor,
    quality: float,
    codec: Codec = "kornia",
    *,
    generator: np.random.Generator,
) -> Tensor:
    """Compress and decompress a part of a larger JPEG image: its blocks may begin anywhere.

    4:2:0, the standard tables at this quality, from 1 to 100. `libjpeg` is what cameras and
    browsers do, and rounds the quality. kornia's codec is smooth in it and its rounding can be
    differentiated; it keeps 0.3 to 0.9 dB more of a photograph.
    """
    height, width = image_1KHW.shape[-2:]
    top, left = (int(side) for side in generator.integers(BLOCK, size=2))
    edges = (left, -(left + width) % BLOCK, top, -(top + height) % BLOCK)
    padded = F.pad(image_1KHW.clamp(0, 1), edges, mode="replicate")
    coded = _kornia_jpeg(padded, quality) if codec == "kornia" else _libjpeg(padded, quality)
    return coded[..., top : top + height, left : left + width]


def _kornia_jpeg(image_1KHW: Tensor, quality: float) -> Tensor:
    from kornia.enhance import jpeg_codec_differentiable

    coded: Tensor = jpeg_codec_differentiable(image_1KHW, torch.tensor([quality]))
    return coded


def _libjpeg(image_1KHW: Tensor, quality: float) -> Tensor:
    samples = (image_1KHW[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    turned = np.ascontiguousarray(samples[..., ::-1])  # OpenCV's order of channels
    _, data = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    found = np.ascontiguousarray(decoded[..., ::-1])
    return torch.from_numpy(found).permute(2, 0, 1)[None].float() / 255


def to_levels(image_1KHW: Tensor) -> Tensor:
    """Clamp and round to 8-bit levels."""
    return (image_1KHW.clamp(0, 1) * 255).round() / 255
