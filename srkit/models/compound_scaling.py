"""Make a wide residual network deeper, wider and finer by one number.

Papoutsis et al., "Benchmarking and scaling of deep learning models for land cover image
classification", ISPRS Journal 195, 2023, https://arxiv.org/abs/2111.09451, whose rule follows Tan
and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
https://arxiv.org/abs/1905.11946.

Convention
    With factors a, b, g and a coefficient phi: depth d = a^phi, width w = b^phi, size s = g^phi.
    A stage has int((10 d - 4) // 6 * d) blocks (the depth counts twice, as in the published code),
    stages have 16, 32 and 64 channels times 2 w, rounded to multiples of 4 but not below nine
    tenths, and images 60 s pixels a side, rounded up to tens.
"""

import math
from dataclasses import dataclass

from srkit.errors import ConfigError
from srkit.layers.width import rounded_width

WIDTHS = (16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """The sizes of a network."""

    blocks: int
    """In each stage."""
    widths: tuple[int, ...]
    """Channels of each stage."""
    image_size: int
    """Side of the images, in pixels."""


def compound_scaling(phi: float, *, depth: float, width: float, resolution: float) -> Scaled:
    """Give the sizes of the network that `phi` steps of these factors make.

    Raises: ConfigError for a factor that is not positive and for stages without blocks.

    >>> compound_scaling(1, depth=1.4, width=1.8, resolution=1.4)
    Scaled(blocks=1, widths=(56, 116, 232), image_size=90)
    """
    for name, factor in (("depth", depth), ("width", width), ("resolution", resolution)):
        if not 0 < factor < math.inf:
            raise ConfigError(f"{name} must be greater than 0 and finite, got {factor}")
    deeper, wider, finer = depth**phi, width**phi, resolution**phi
    blocks = int((10 * deeper - 4) // 6 * deeper)
    if blocks < 1:
        raise ConfigError(f"depth {depth} to the power of {phi} leaves stages without blocks")
    return Scaled(
        blocks=blocks,
        widths=tuple(rounded_width(channels * 2 * wider) for channels in WIDTHS),
        image_size=math.ceil(60 * finer / 10) * 10,
    )
