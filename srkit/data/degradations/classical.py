"""The classical degradation: blur, then MATLAB's bicubic, then noise, then JPEG.

The model blind super-resolution starts from, each part with a probability and a range: with all
probabilities but one at 0 it is that one part alone.
Source: the order is that of Liu and Sun, "On Bayesian Adaptive Video Super Resolution", TPAMI
2014, with compression at its end.
"""

# Shapes: K the three colours, H W height and width.

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from srkit.data.degradations.degradation import (
    Degradation,
    NotNegative,
    Positive,
    Probability,
    Quality,
    Range,
    between,
    happens,
)
from srkit.data.degradations.kernels import Families, random_kernel
from srkit.data.degradations.operations import Codec, blur, gaussian_noise, jpeg, to_levels
from srkit.transforms.resize import imresize

LARGEST_KERNEL = 21


class Classical(Degradation):
    """Blur, shrink, add noise, compress."""

    reach: ClassVar[int] = 32  # half a 21-pixel kernel, bicubic's at x4, and some of a JPEG block

    blur_prob: Probability = 0.7
    """How often the image is blurred."""
    blur_kernel_size: int = Field(default=15, ge=3, le=LARGEST_KERNEL)
    """In HR pixels; an even one is made odd by one more."""
    kernel_list: Families = ("iso", "aniso")
    """Gaussians, generalised ones and plateaus; round (iso) or elliptic (aniso)."""
    kernel_prob: tuple[Probability, ...] = (0.6, 0.4)
    """How often each of `kernel_list` is drawn."""
    blur_sigma: Range[Positive] = (0.2, 2.0)
    """Width of the kernels, in HR pixels."""
    betag_range: Range[Positive] = (0.5, 4.0)
    """Shape of generalised Gaussian kernels."""
    betap_range: Range[Positive] = (1.0, 2.0)
    """Shape of plateau kernels."""
    noise_prob: Probability = 0.5
    """How often noise is added, Gaussian."""
    noise_range: Range[NotNegative] = (1.0, 15.0)
    """Standard deviation in 8-bit levels."""
    gray_noise_prob: Probability = 0.3
    """How often noise is the same in all colours."""
    jpeg_prob: Probability = 0.5
    """How often the image is compressed."""
    jpeg_range: Range[Quality] = (50.0, 95.0)
    """Quality, 1 to 100."""
    jpeg_codec: Codec = "kornia"
    """Who compresses."""

    @torch.no_grad()
    def __call__(self, hr_1KHW: Tensor, *, generator: np.random.Generator) -> Tensor:
        image = hr_1KHW
        if happens(self.blur_prob, generator):
            kernel = random_kernel(
                generator,
                size=self.blur_kernel_size | 1,
                families=self.kernel_list,
                chances=self.kernel_prob,
                sigma=self.blur_sigma,
                beta_generalised=self.betag_range,
                beta_plateau=self.betap_range,
            )
            image = blur(image, kernel)
        if self.scale > 1:
            image = imresize(image, scale=1 / self.scale)
        if happens(self.noise_prob, generator):
            sigma = between(self.noise_range, generator)
            gray = happens(self.gray_noise_prob, generator)
            image = gaussian_noise(image, sigma, gray=gray, generator=generator)
        if happens(self.jpeg_prob, generator):
            quality = between(self.jpeg_range, generator)
            image = jpeg(to_levels(image), quality, self.jpeg_codec, generator=generator)
        return to_levels(image)
