"""The classical degradation: blur, then MATLAB's bicubic, then noise, then JPEG.

The model blind super-resolution starts from, each part with a probability and a range: with all
probabilities but one at 0 it is that one part alone.
Source: the order is that of Liu and Sun, "On Bayesian Adaptive Video Super Resolution", TPAMI
2014, with compression at its end.
"""

# Shapes: K image channels, H W height and width.

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from srkit.data.degradations.degradation import Degradation, Probability, Range, between, happens
from srkit.data.degradations.kernels import Family, random_kernel
from srkit.data.degradations.operations import Codec, blur, gaussian_noise, jpeg, to_levels
from srkit.transforms.resize import imresize

LARGEST_KERNEL = 21


class Classical(Degradation):
    """Blur, shrink, add noise, compress."""

    reach: ClassVar[int] = 32  # a 21-pixel kernel, bicubic at x4, a JPEG block

    blur_prob: Probability = 0.7
    blur_kernel_size: int = Field(default=15, ge=3, le=LARGEST_KERNEL)
    kernel_list: tuple[Family, ...] = ("iso", "aniso")
    kernel_prob: tuple[Probability, ...] = (0.6, 0.4)
    blur_sigma: Range = (0.2, 2.0)
    """In HR pixels."""
    betag_range: Range = (0.5, 4.0)
    betap_range: Range = (1.0, 2.0)
    noise_prob: Probability = 0.5
    noise_range: Range = (1.0, 15.0)
    """Standard deviation in 8-bit levels."""
    gray_noise_prob: Probability = 0.3
    jpeg_prob: Probability = 0.5
    jpeg_range: Range = (50.0, 95.0)
    """Quality, 1 to 100."""
    jpeg_codec: Codec = "kornia"

    @torch.no_grad()
    def __call__(self, hr_1KHW: Tensor, *, scale: int, generator: np.random.Generator) -> Tensor:
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
        if scale > 1:
            image = imresize(image, scale=1 / scale)
        if happens(self.noise_prob, generator):
            sigma = between(self.noise_range, generator)
            gray = happens(self.gray_noise_prob, generator)
            image = gaussian_noise(image, sigma, gray=gray, generator=generator)
        if happens(self.jpeg_prob, generator):
            image = jpeg(to_levels(image), between(self.jpeg_range, generator), self.jpeg_codec)
        return to_levels(image)
