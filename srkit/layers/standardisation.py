"""Bring the bands of an image to mean 0 and deviation 1, by the statistics of the training images.

Bands of satellite images differ in brightness by factors of ten, and use a small part of 16 bits.
"""

# Shapes: B batch, K image channels, H W height and width.

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Standardisation(nn.Module):
    """Subtract each band's mean and divide by its deviation; does nothing until `adapt`ed.

    Both are part of the weights, but never learnt.

    Shape: (B, K, H, W) in, the same out.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, image_channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(image_channels))
        self.register_buffer("deviation", torch.ones(image_channels))

    def adapt(self, means: Sequence[float], deviations: Sequence[float]) -> None:
        """Take over the statistics of a set; a band that never changes is not divided."""
        self.mean.copy_(torch.tensor(means))
        self.deviation.copy_(torch.tensor([value or 1.0 for value in deviations]))

    def forward(self, x_BKHW: Tensor) -> Tensor:
        return (x_BKHW - self.mean[:, None, None]) / self.deviation[:, None, None]
