"""Bicubic enlargement by a whole number, for models that work on the enlarged image.

The same as `srkit.transforms.resize.imresize` with its border repeated, as one convolution: torch's
own bicubic interpolation has another kernel (a = -0.75).
"""

# Shapes: B batch, K image channels, H W height and width, s scale, T taps along an axis.

import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.layers.layer import Layer
from srkit.transforms.resize import imresize

REACH = 2


class BicubicEnlargement(Layer):
    """Enlarge as MATLAB's `imresize` does.

    Shape: (B, K, H, W) -> (B, K, s*H, s*W); the value range may be overshot.
    Receptive field: 2.
    """

    receptive_field = REACH
    kernel: Tensor

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("kernel", _kernel(scale), persistent=False)

    def forward(self, x_BKHW: Tensor) -> Tensor:
        channels = x_BKHW.shape[1]
        extended = F.pad(x_BKHW, (REACH,) * 4, mode="replicate")
        # In half precision an image would lose levels that no network gives back.
        with torch.autocast(x_BKHW.device.type, enabled=False):
            pixels = F.conv2d(extended, self.kernel.repeat(channels, 1, 1, 1), groups=channels)
        return F.pixel_shuffle(pixels, self.scale)


def _kernel(scale: int) -> Tensor:
    """Give the weights of the pixels around, for each of the s * s pixels that one becomes.

    Shape: (s s, 1, T, T), in the order of `torch.nn.functional.pixel_shuffle`.
    """
    taps = 2 * REACH + 1
    # What becomes of single bright rows says how every row is weighed, far from the border.
    rows = imresize(
        torch.eye(2 * taps, dtype=torch.float64)[None, None], size=(scale * 2 * taps, 2 * taps)
    )
    weights_sT = rows[0, 0, scale * taps : scale * (taps + 1), taps - REACH : taps + REACH + 1]
    kernel = torch.einsum("at,bu->abtu", weights_sT, weights_sT)
    return kernel.flatten(0, 1)[:, None].float()
