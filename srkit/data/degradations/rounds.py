"""One round of the second-order degradation: its settings, and what is drawn from them.

Names, and by default values, are those of the published training options; see `second_order`.
"""

import math
from typing import Annotated, Any, TypeAlias, get_type_hints

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from srkit.data.degradations.degradation import (
    NotNegative,
    Positive,
    Probability,
    Quality,
    Range,
    between,
    happens,
)
from srkit.data.degradations.kernels import Families, Kernel, random_kernel, sinc

SMALLEST_KERNEL = 7
LARGEST_KERNEL = 21

Largest: TypeAlias = Annotated[int, Field(ge=SMALLEST_KERNEL, le=LARGEST_KERNEL)]


class Round(BaseModel):
    """The settings of one round of blur, resizing, noise and JPEG: by default the first's."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    blur_kernel_size: Largest = 21
    """Largest; sizes are drawn from 7, 9, ... up to it."""
    kernel_list: Families = (
        "iso",
        "aniso",
        "generalized_iso",
        "generalized_aniso",
        "plateau_iso",
        "plateau_aniso",
    )
    """Gaussians, generalised ones and plateaus; round (iso) or elliptic (aniso)."""
    kernel_prob: tuple[Probability, ...] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    """How often each of the kernels is drawn."""
    sinc_prob: Probability = 0.1
    """How often the kernel is a sinc instead, which rings."""
    blur_sigma: Range[Positive] = (0.2, 3.0)
    """Width of the kernels, in pixels."""
    betag_range: Range[Positive] = (0.5, 4.0)
    """Shape of generalised Gaussian kernels."""
    betap_range: Range[Positive] = (1.0, 2.0)
    """Shape of plateau kernels."""
    resize_prob: tuple[Probability, Probability, Probability] = (0.2, 0.7, 0.1)
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

    def kernel(self, generator: np.random.Generator) -> Kernel:
        """Draw a blur kernel."""
        size = odd_size(self.blur_kernel_size, generator)
        if happens(self.sinc_prob, generator):
            # A small kernel cannot hold the long waves of a low cut-off.
            lowest = math.pi / 3 if size < 13 else math.pi / 5
            return sinc(size, between((lowest, math.pi), generator))
        return random_kernel(
            generator,
            size=size,
            families=self.kernel_list,
            chances=self.kernel_prob,
            sigma=self.blur_sigma,
            beta_generalised=self.betag_range,
            beta_plateau=self.betap_range,
        )

    def factor(self, generator: np.random.Generator) -> float:
        """Draw how much larger the image becomes."""
        share = np.asarray(self.resize_prob) / sum(self.resize_prob)
        way = int(generator.choice(3, p=share))
        low, high = self.resize_range
        larger, smaller, same = (1.0, max(1.0, high)), (min(1.0, low), 1.0), (1.0, 1.0)
        return between((larger, smaller, same)[way], generator)


SECOND = Round(
    blur_sigma=(0.2, 1.5),
    resize_prob=(0.3, 0.4, 0.3),
    resize_range=(0.3, 1.2),
    noise_range=(1.0, 25.0),
    poisson_scale_range=(0.05, 2.5),
)
"""What the second round is by default."""


def second_settings() -> dict[str, Any]:
    """Give the fields of a round as pydantic's `create_model` takes them, with a 2 at the end."""
    types = get_type_hints(Round, include_extras=True)
    return {
        f"{name}2": (types[name], Field(value, description=Round.model_fields[name].description))
        for name, value in SECOND
    }


def odd_size(largest: int, generator: np.random.Generator) -> int:
    """Draw the side of a kernel."""
    choices = range(SMALLEST_KERNEL, largest + 1, 2)
    return choices[int(generator.integers(len(choices)))]
