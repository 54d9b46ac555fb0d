"""From RGB to the luma and chroma the field measures with, and back.

Convention
    RGB is in [0, 1]. Luma and chroma are in 8-bit studio levels, whatever the dtype: Y in
    [16, 235], Cb and Cr in [16, 240] with grey at 128. They are not rounded.
    The weights are those of MATLAB's `rgb2ycbcr`, which the tables of super-resolution papers
    use: BT.601's, to three decimals.

Source: Recommendation ITU-R BT.601; Poynton, "Digital Video and HD", 2nd ed., chapter 28.
"""

# Shapes: B batch, H W height and width.

import torch
from torch import Tensor

from srkit.errors import ConfigError

# Rows give Y, Cb, Cr; columns take R, G, B.
WEIGHTS = (
    (65.481, 128.553, 24.966),
    (-37.797, -74.203, 112.0),
    (112.0, -93.786, -18.214),
)
OFFSETS = (16.0, 128.0, 128.0)


def rgb_to_luma(rgb_B3HW: Tensor) -> Tensor:
    """Compute the luma Y of an RGB image.

    Shape: (B, 3, H, W) in [0, 1] -> (B, 1, H, W) in [16, 235], the same dtype.
    Raises: ConfigError unless there are three channels.
    """
    _check(rgb_B3HW)
    weights = rgb_B3HW.new_tensor(WEIGHTS[0])
    return OFFSETS[0] + (rgb_B3HW * weights[:, None, None]).sum(dim=-3, keepdim=True)


def rgb_to_ycbcr(rgb_B3HW: Tensor) -> Tensor:
    """Convert RGB to luma and chroma.

    Shape: (B, 3, H, W) in [0, 1] -> (B, 3, H, W), Y in [16, 235], Cb and Cr in [16, 240].
    Raises: ConfigError unless there are three channels.
    """
    _check(rgb_B3HW)
    weights, offsets = rgb_B3HW.new_tensor(WEIGHTS), rgb_B3HW.new_tensor(OFFSETS)
    return torch.einsum("yr,...rhw->...yhw", weights, rgb_B3HW) + offsets[:, None, None]


def ycbcr_to_rgb(ycbcr_B3HW: Tensor) -> Tensor:
    """Convert luma and chroma back to RGB: the inverse of `rgb_to_ycbcr`, not clamped.

    Shape: (B, 3, H, W), Y in [16, 235], Cb and Cr in [16, 240] -> (B, 3, H, W) in [0, 1]; levels
    that no RGB colour has leave that range.
    Raises: ConfigError unless there are three channels.
    """
    _check(ycbcr_B3HW)
    # Inverted in float64: the weights of an image in float32 would lose half its digits.
    weights = torch.linalg.inv(torch.tensor(WEIGHTS, dtype=torch.float64)).to(ycbcr_B3HW)
    offsets = ycbcr_B3HW.new_tensor(OFFSETS)
    return torch.einsum("ry,...yhw->...rhw", weights, ycbcr_B3HW - offsets[:, None, None])


def _check(image: Tensor) -> None:
    if image.ndim < 3 or image.shape[-3] != 3:
        raise ConfigError(f"colour conversion takes (B, 3, H, W), got {tuple(image.shape)}")
