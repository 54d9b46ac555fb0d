"""Between samples in files and tensors in models.

Convention
    A sample of 0 is 0.0 and the largest of its type (255, 65535) is 1.0; which type it is,
    and never how large the values happen to be, decides. Back again, values are clamped to
    [0, 1] and rounded to the nearest sample, halves to the even one, as `torch.round` does.
"""

# Shapes: C channels, H W height and width.

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from srkit.images.image import Samples

if TYPE_CHECKING:
    from torch import Tensor


def to_tensor(colour: Samples) -> Tensor:
    """Turn samples into what a model takes.

    Shape: (H, W, C) uint8 or uint16 -> (1, C, H, W) float32 in [0, 1].
    """
    import torch  # takes seconds, and listing or copying images does not need it

    height, width, channels = colour.shape
    out = torch.empty(1, channels, height, width)
    # One pass, straight into the tensor: no copy in between, however large the image.
    np.divide(
        colour.transpose(2, 0, 1),
        np.float32(np.iinfo(colour.dtype).max),
        out=out[0].numpy(),
    )
    return out


def from_tensor(image: Tensor, dtype: DTypeLike) -> Samples:
    """Turn one image of a model into samples of `dtype`, uint8 or uint16.

    Shape: (1, C, H, W), clamped to [0, 1] -> (H, W, C).
    Raises: ValueError when a value is not a number: it has no sample to become.
    """
    dtype = np.dtype(dtype)
    if image.ndim != 4 or image.shape[0] != 1:
        raise ValueError(f"image must be (1, channels, height, width), got {tuple(image.shape)}")
    # After the first step everything happens in place: the image may be hundreds of megabytes.
    scaled = image[0].detach().float().clamp(0, 1).mul_(np.iinfo(dtype).max).round_().cpu().numpy()
    if np.isnan(scaled.sum(dtype=np.float64)):
        raise ValueError("image contains values that are not numbers")
    return np.ascontiguousarray(scaled.transpose(1, 2, 0), dtype=dtype)
