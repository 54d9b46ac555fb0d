"""Blur kernels: Gaussian, generalised Gaussian, plateau, and the sinc that rings.

Convention
    Kernels are (size, size) float64 arrays that sum up to 1, size odd; `sigma` is in pixels, the
    first along the axis that the angle turns from the horizontal, in radians and clockwise as
    images are shown (rows run downwards).

Sources: Liu et al., "Estimating Generalized Gaussian Blur Kernels for Out-of-Focus Image
Deblurring", 2020 (generalised); Wang et al., "Real-ESRGAN", ICCV Workshops 2021,
https://arxiv.org/abs/2107.10833 (plateau, and the sinc for ringing and overshoot).
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
import torch
from pydantic import Field

Kernel: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

Family = Literal[
    "iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso"
]
Families: TypeAlias = Annotated[tuple[Family, ...], Field(min_length=1)]


def bell(
    size: int,
    sigma: tuple[float, float],
    angle: float = 0.0,
    shape: Callable[[Kernel], Kernel] = lambda distance: np.exp(-distance / 2),
) -> Kernel:
    """Build a kernel that falls off with the squared distance in units of the two sigmas."""
    axis = np.arange(size) - size // 2
    x, y = np.meshgrid(axis, axis)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = -x * math.sin(angle) + y * math.cos(angle)
    kernel = shape((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2)
    return kernel / kernel.sum()


def generalised(beta: float) -> Callable[[Kernel], Kernel]:
    """Give the profile exp(-d^beta / 2): pointed below 1, a Gaussian at 1, flat above."""
    return lambda distance: np.exp(-(distance**beta) / 2)


def plateau(beta: float) -> Callable[[Kernel], Kernel]:
    """Give the profile 1 / (1 + d^beta): a plateau with long slopes."""
    return lambda distance: 1 / (1 + distance**beta)


def sinc(size: int, cutoff: float) -> Kernel:
    """Build the ideal circular low-pass filter, cut off at the kernel's border.

    `cutoff` is in radians a pixel, up to pi.
    """
    axis = np.arange(size) - size // 2
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    bessel: Kernel = torch.special.bessel_j1(torch.from_numpy(cutoff * radius)).numpy()
    with np.errstate(invalid="ignore"):
        kernel = cutoff * bessel / (2 * math.pi * radius)
    kernel[size // 2, size // 2] = cutoff**2 / (4 * math.pi)
    whole: Kernel = kernel / kernel.sum()
    return whole


def random_kernel(
    generator: np.random.Generator,
    *,
    size: int,
    families: tuple[str, ...],
    chances: tuple[float, ...],
    sigma: tuple[float, float],
    beta_generalised: tuple[float, float],
    beta_plateau: tuple[float, float],
) -> Kernel:
    """Draw a family by its chance and then a kernel of that family.

    The shape parameter is drawn below 1 half of the time, whatever the range's middle.
    """
    share = np.asarray(chances) / sum(chances)
    family = families[int(generator.choice(len(families), p=share))]
    first, second = generator.uniform(*sigma, size=2)
    angle = float(generator.uniform(-math.pi, math.pi))
    if family.endswith("_iso") or family == "iso":
        second, angle = first, 0.0
    sides = (float(first), float(second))
    if "generalized" in family:
        return bell(size, sides, angle, generalised(_beta(beta_generalised, generator)))
    if "plateau" in family:
        return bell(size, sides, angle, plateau(_beta(beta_plateau, generator)))
    return bell(size, sides, angle)


def _beta(bounds: tuple[float, float], generator: np.random.Generator) -> float:
    low, high = bounds
    if low < 1 < high:
        pair = (low, 1.0) if generator.random() < 0.5 else (1.0, high)
        return float(generator.uniform(*pair))
    return float(generator.uniform(low, high))
