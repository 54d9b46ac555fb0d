"""The second-order degradation: blur, resizing, noise and JPEG twice over, and a final sinc.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data",
ICCV Workshops 2021, https://arxiv.org/abs/2107.10833. Settings have the names, and by default the
values, of its published training options: those of the second round end in 2.

Every patch is degraded by itself, so no pool of pairs is needed to mix them; the HR patch is not
sharpened, which the paper does to please the eye (`gt_usm` there).
"""

# Shapes: K the three colours, H W height and width.

import math
from typing import ClassVar

import numpy as np
import torch
from pydantic import create_model
from torch import Tensor

from srkit.data.degradations.degradation import Degradation, Probability, between, happens
from srkit.data.degradations.kernels import Kernel, sinc
from srkit.data.degradations.operations import (
    Codec,
    blur,
    gaussian_noise,
    jpeg,
    poisson_noise,
    resize,
    to_levels,
)
from srkit.data.degradations.rounds import LARGEST_KERNEL, Round, odd_size, second_settings

MODES = ("area", "bilinear", "bicubic")


class TwoRounds(Round, Degradation):
    """Two rounds of blur, resizing, noise and JPEG; the last JPEG and a sinc in either order."""

    reach: ClassVar[int] = 48  # a 21-pixel kernel here, and another one after halving or so

    second_blur_prob: Probability = 0.8
    """How often there is a second blur."""
    final_sinc_prob: Probability = 0.8
    """How often a last sinc rounds it off."""
    jpeg_codec: Codec = "kornia"
    """Who compresses."""

    @property
    def second(self) -> Round:
        """The second round; the first is the degradation itself."""
        settings = {name: getattr(self, f"{name}2") for name in Round.model_fields}
        return Round.model_construct(**settings)

    @torch.no_grad()
    def __call__(self, hr_1KHW: Tensor, *, generator: np.random.Generator) -> Tensor:
        first, second = self, self.second
        height, width = (side // self.scale for side in hr_1KHW.shape[-2:])
        image = blur(hr_1KHW, first.kernel(generator))
        image = _resized(image, hr_1KHW.shape[-2:], first, generator)
        image = _noisy(image, first, generator)
        image = self._jpeg(image, between(first.jpeg_range, generator), generator)

        if happens(self.second_blur_prob, generator):
            image = blur(image, second.kernel(generator))
        image = _resized(image, (height, width), second, generator)
        image = _noisy(image, second, generator)

        quality = between(second.jpeg_range, generator)
        final = None
        if happens(self.final_sinc_prob, generator):
            size = odd_size(LARGEST_KERNEL, generator)
            final = sinc(size, between((math.pi / 3, math.pi), generator))
        if happens(0.5, generator):
            image = _finished(image, (height, width), final, generator)
            image = self._jpeg(image, quality, generator)
        else:
            image = self._jpeg(image, quality, generator)
            image = _finished(image, (height, width), final, generator)
        return to_levels(image)

    def _jpeg(self, image: Tensor, quality: float, generator: np.random.Generator) -> Tensor:
        return jpeg(image, quality, self.jpeg_codec, generator=generator)


SecondOrder = create_model(
    "SecondOrder",
    __base__=TwoRounds,
    __doc__=TwoRounds.__doc__,
    __module__=__name__,
    **second_settings(),
)


def _resized(
    image: Tensor, size: tuple[int, ...], settings: Round, generator: np.random.Generator
) -> Tensor:
    """Resize an image to a height and width times what the round draws."""
    factor = settings.factor(generator)
    height, width = (max(1, round(side * factor)) for side in size)
    return resize(image, (height, width), _mode(generator))


def _noisy(image: Tensor, settings: Round, generator: np.random.Generator) -> Tensor:
    gray = happens(settings.gray_noise_prob, generator)
    if happens(settings.gaussian_noise_prob, generator):
        sigma = between(settings.noise_range, generator)
        noisy = gaussian_noise(image, sigma, gray=gray, generator=generator)
    else:
        strength = between(settings.poisson_scale_range, generator)
        noisy = poisson_noise(image, strength, gray=gray, generator=generator)
    return noisy.clamp(0, 1)


def _finished(
    image: Tensor, size: tuple[int, int], final: Kernel | None, generator: np.random.Generator
) -> Tensor:
    image = resize(image, size, _mode(generator))
    return image if final is None else blur(image, final)


def _mode(generator: np.random.Generator) -> str:
    return MODES[int(generator.integers(len(MODES)))]
