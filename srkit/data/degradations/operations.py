"""The single damages that degradations are made of: blur, resizing, noise, JPEG.

All work on (1, K, H, W) float32 images in [0, 1] and draw what is random from the generator given.
"""

# Shapes: K image channels, H W height and width.

from typing import Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.data.degradations.kernels import Kernel

Codec = Literal["kornia", "libjpeg"]


def blur(image_1KHW: Tensor, kernel: Kernel) -> Tensor:
    """Filter with a kernel; borders are mirrored."""
    from kornia.filters import filter2d  # kornia takes seconds to import

    weights = torch.from_numpy(kernel).float()[None]
    blurred: Tensor = filter2d(image_1KHW, weights, border_type="reflect")
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
    channels = 1 if gray else image_1KHW.shape[1]
    shape = (1, channels, *image_1KHW.shape[2:])
    noise = generator.standard_normal(shape, dtype=np.float32)
    return image_1KHW + torch.from_numpy(noise) * (sigma / 255)


def poisson_noise(
    image_1KHW: Tensor, scale: float, *, gray: bool, generator: np.random.Generator
) -> Tensor:
    """Add `scale` times the noise of counting photons, as many as the image has 8-bit levels.

    As in Real-ESRGAN, the counts are of the next power of two of the number of levels in use.
    """
    clean = (image_1KHW.clamp(0, 1) * 255).round() / 255
    if gray and clean.shape[1] == 3:
        weights = torch.tensor([0.2989, 0.5870, 0.1140]).view(1, 3, 1, 1)
        clean = ((clean * weights).sum(dim=1, keepdim=True) * 255).round() / 255
    levels = 2 ** np.ceil(np.log2(max(2, len(torch.unique(clean)))))
    counted = generator.poisson((clean * float(levels)).double().numpy()) / levels
    return image_1KHW + torch.from_numpy(counted - clean.double().numpy()).float() * scale


def jpeg(image_1KHW: Tensor, quality: float, codec: Codec = "kornia") -> Tensor:
    """Compress and decompress: 4:2:0, the standard tables at this quality.

    `libjpeg` is what cameras and browsers do. kornia's codec is smooth in the quality and its
    rounding can be differentiated; it keeps 0.3 to 0.7 dB more of a photograph.
    """
    channels = image_1KHW.shape[1]
    colour = image_1KHW.clamp(0, 1)
    if codec == "kornia":
        from kornia.enhance import jpeg_codec_differentiable

        if channels == 1:
            colour = colour.expand(-1, 3, -1, -1)
        height, width = colour.shape[-2:]
        padded = F.pad(colour, (0, -width % 16, 0, -height % 16), mode="replicate")
        coded: Tensor = jpeg_codec_differentiable(padded, torch.tensor([quality]))
        coded = coded[..., :height, :width]
        return coded.mean(dim=1, keepdim=True) if channels == 1 else coded
    samples = (colour[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    if channels == 3:
        samples = samples[..., ::-1]  # OpenCV's order
    _, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(samples), [cv2.IMWRITE_JPEG_QUALITY, round(quality)]
    )
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR if channels == 3 else cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    found = decoded[..., ::-1] if channels == 3 else decoded[..., None]
    return torch.from_numpy(np.ascontiguousarray(found)).permute(2, 0, 1)[None].float() / 255


def to_levels(image_1KHW: Tensor) -> Tensor:
    """Clamp and round to 8-bit levels."""
    return (image_1KHW.clamp(0, 1) * 255).round() / 255
