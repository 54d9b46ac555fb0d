"""The second-order degradation: blur, resizing, noise and JPEG twice over, and a final sinc.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data",
ICCV Workshops 2021, https://arxiv.org/abs/2107.10833. Settings have the names, and by default the
values, of its published training options.

Every patch is degraded by itself, so no pool of pairs is needed to mix them; the HR patch is not
sharpened, which the paper does to please the eye (`gt_usm` there).
"""

# Shapes: K the three colours, H W height and width.

import math
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
from srkit.data.degradations.kernels import Families, Kernel, random_kernel, sinc
from srkit.data.degradations.operations import (
    Codec,
    blur,
    gaussian_noise,
    jpeg,
    poisson_noise,
    resize,
    to_levels,
)

SMALLEST_KERNEL = 7
LARGEST_KERNEL = 21
MODES = ("area", "bilinear", "bicubic")

Chances = tuple[Probability, Probability, Probability]

ALL_FAMILIES: Families = (
    "iso",
    "aniso",
    "generalized_iso",
    "generalized_aniso",
    "plateau_iso",
    "plateau_aniso",
)
USUAL = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)


class SecondOrder(Degradation):
    """Two rounds of blur, resizing, noise and JPEG; the last JPEG and a sinc in either order."""

    reach: ClassVar[int] = 48  # a 21-pixel kernel here, and another one after halving or so

    blur_kernel_size: int = Field(default=21, ge=SMALLEST_KERNEL, le=LARGEST_KERNEL)
    """Largest; sizes are drawn from 7, 9, ... up to it."""
    kernel_list: Families = ALL_FAMILIES
    """Gaussians, generalised ones and plateaus; round (iso) or elliptic (aniso)."""
    kernel_prob: tuple[Probability, ...] = USUAL
    """How often each of `kernel_list` is drawn."""
    sinc_prob: Probability = 0.1
    """How often the kernel is a sinc instead, which rings."""
    blur_sigma: Range[Positive] = (0.2, 3.0)
    """Width of the kernels, in pixels."""
    betag_range: Range[Positive] = (0.5, 4.0)
    """Shape of generalised Gaussian kernels."""
    betap_range: Range[Positive] = (1.0, 2.0)
    """Shape of plateau kernels."""
    resize_prob: Chances = (0.2, 0.7, 0.1)
    """How often the image is made larger, smaller, or left as it is."""
    resize_range: Range[Positive] = (0.15, 1.5)
    """How much smaller and larger."""
    gaussian_noise_prob: Probability = 0.5
    """How often the noise is Gaussian; otherwise it is Poisson's."""
    noise_range: Range[NotNegative] = (1.0, 30.0)
    """Standard deviation of Gaussian noise, in 8-bit levels."""
    poisson_scale_range: Range[NotNegative] = (0.05, 3.0)
    """Strength of Poisson noise."""
    gray_noise_prob: Probability = 0.4
    """How often noise is the same in all colours."""
    jpeg_range: Range[Quality] = (30.0, 95.0)
    """Quality, 1 to 100."""

    second_blur_prob: Probability = 0.8
    """How often there is a second blur."""
    blur_kernel_size2: int = Field(default=21, ge=SMALLEST_KERNEL, le=LARGEST_KERNEL)
    kernel_list2: Families = ALL_FAMILIES
    kernel_prob2: tuple[Probability, ...] = USUAL
    sinc_prob2: Probability = 0.1
    blur_sigma2: Range[Positive] = (0.2, 1.5)
    betag_range2: Range[Positive] = (0.5, 4.0)
    betap_range2: Range[Positive] = (1.0, 2.0)
    resize_prob2: Chances = (0.3, 0.4, 0.3)
    resize_range2: Range[Positive] = (0.3, 1.2)
    gaussian_noise_prob2: Probability = 0.5
    noise_range2: Range[NotNegative] = (1.0, 25.0)
    poisson_scale_range2: Range[NotNegative] = (0.05, 2.5)
    gray_noise_prob2: Probability = 0.4
    jpeg_range2: Range[Quality] = (30.0, 95.0)

    final_sinc_prob: Probability = 0.8
    """How often a last sinc rounds it off."""
    jpeg_codec: Codec = "kornia"
    """Who compresses."""

    @torch.no_grad()
    def __call__(self, hr_1KHW: Tensor, *, generator: np.random.Generator) -> Tensor:
        height, width = (side // self.scale for side in hr_1KHW.shape[-2:])
        image = blur(hr_1KHW, self._kernel(generator, second=False))
        factor = _factor(self.resize_prob, self.resize_range, generator)
        size = tuple(max(1, round(side * factor)) for side in hr_1KHW.shape[-2:])
        image = resize(image, (size[0], size[1]), _mode(generator))
        image = self._noise(image, generator, second=False)
        image = self._jpeg(image, between(self.jpeg_range, generator), generator)

        if happens(self.second_blur_prob, generator):
            image = blur(image, self._kernel(generator, second=True))
        factor = _factor(self.resize_prob2, self.resize_range2, generator)
        size = tuple(max(1, round(side * factor)) for side in (height, width))
        image = resize(image, (size[0], size[1]), _mode(generator))
        image = self._noise(image, generator, second=True)

        quality = between(self.jpeg_range2, generator)
        final = None
        if happens(self.final_sinc_prob, generator):
            final = sinc(
                _odd(LARGEST_KERNEL, generator), between((math.pi / 3, math.pi), generator)
            )
        if happens(0.5, generator):
            image = self._finish(image, (height, width), final, generator)
            image = self._jpeg(image, quality, generator)
        else:
            image = self._jpeg(image, quality, generator)
            image = self._finish(image, (height, width), final, generator)
        return to_levels(image)

    def _kernel(self, generator: np.random.Generator, *, second: bool) -> Kernel:
        end = "2" if second else ""
        size = _odd(getattr(self, f"blur_kernel_size{end}"), generator)
        if happens(getattr(self, f"sinc_prob{end}"), generator):
            # A small kernel cannot hold the long waves of a low cut-off.
            lowest = math.pi / 3 if size < 13 else math.pi / 5
            return sinc(size, between((lowest, math.pi), generator))
        return random_kernel(
            generator,
            size=size,
            families=getattr(self, f"kernel_list{end}"),
            chances=getattr(self, f"kernel_prob{end}"),
            sigma=getattr(self, f"blur_sigma{end}"),
            beta_generalised=getattr(self, f"betag_range{end}"),
            beta_plateau=getattr(self, f"betap_range{end}"),
        )

    def _noise(self, image: Tensor, generator: np.random.Generator, *, second: bool) -> Tensor:
        end = "2" if second else ""
        gray = happens(getattr(self, f"gray_noise_prob{end}"), generator)
        if happens(getattr(self, f"gaussian_noise_prob{end}"), generator):
            sigma = between(getattr(self, f"noise_range{end}"), generator)
            noisy = gaussian_noise(image, sigma, gray=gray, generator=generator)
        else:
            strength = between(getattr(self, f"poisson_scale_range{end}"), generator)
            noisy = poisson_noise(image, strength, gray=gray, generator=generator)
        return noisy.clamp(0, 1)

    def _jpeg(self, image: Tensor, quality: float, generator: np.random.Generator) -> Tensor:
        return jpeg(image, quality, self.jpeg_codec, generator=generator)

    def _finish(
        self,
        image: Tensor,
        size: tuple[int, int],
        final: Kernel | None,
        generator: np.random.Generator,
    ) -> Tensor:
        image = resize(image, size, _mode(generator))
        return image if final is None else blur(image, final)


def _odd(largest: int, generator: np.random.Generator) -> int:
    choices = range(SMALLEST_KERNEL, largest + 1, 2)
    return choices[int(generator.integers(len(choices)))]


def _mode(generator: np.random.Generator) -> str:
    return MODES[int(generator.integers(len(MODES)))]


def _factor(chances: Chances, bounds: tuple[float, float], generator: np.random.Generator) -> float:
    share = np.asarray(chances) / sum(chances)
    way = int(generator.choice(3, p=share))
    larger, smaller, same = (1.0, max(1.0, bounds[1])), (min(1.0, bounds[0]), 1.0), (1.0, 1.0)
    return between((larger, smaller, same)[way], generator)
