"""Blur kernels against their formulas, written out slowly and along another way."""

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from kornia.filters import get_gaussian_kernel2d

from srkit.data.degradations.kernels import (
    Family,
    Kernel,
    bell,
    generalised,
    plateau,
    random_kernel,
    sinc,
)

FAMILIES = get_args(Family)
SIZES = st.integers(1, 10).map(lambda half: 2 * half + 1)
SIGMAS = st.floats(0.2, 6)


def slow_bell(
    size: int, sigma: tuple[float, float], angle: float, shape: Callable[[float], float]
) -> Kernel:
    """Weigh every pixel by its Mahalanobis distance, whose matrix is made of two rotations."""
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    inverse = np.linalg.inv(rotation @ np.diag(np.square(sigma)) @ rotation.T)
    kernel = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            offset = np.array([column - size // 2, row - size // 2])
            kernel[row, column] = shape(float(offset @ inverse @ offset))
    return kernel / kernel.sum()


@given(SIZES, SIGMAS, SIGMAS, st.floats(-math.pi, math.pi), st.floats(0.5, 4))
def test_bells_follow_their_formula(
    size: int, first: float, second: float, angle: float, beta: float
) -> None:
    sigma = (first, second)
    gaussian = slow_bell(size, sigma, angle, lambda d: math.exp(-d / 2))
    np.testing.assert_allclose(bell(size, sigma, angle), gaussian, rtol=1e-6, atol=1e-12)
    pointed = slow_bell(size, sigma, angle, lambda d: math.exp(-(d**beta) / 2))
    made = bell(size, sigma, angle, generalised(beta))
    np.testing.assert_allclose(made, pointed, rtol=1e-6, atol=1e-12)
    flat = slow_bell(size, sigma, angle, lambda d: 1 / (1 + d**beta))
    made = bell(size, sigma, angle, plateau(beta))
    np.testing.assert_allclose(made, flat, rtol=1e-6, atol=1e-12)


@given(SIZES, SIGMAS, SIGMAS)
def test_upright_gaussians_are_kornias(size: int, across: float, down: float) -> None:
    sigma = torch.tensor([[down, across]], dtype=torch.float64)
    theirs = get_gaussian_kernel2d((size, size), sigma)[0].numpy()
    np.testing.assert_allclose(bell(size, (across, down)), theirs, rtol=1e-9, atol=1e-15)


def test_the_angle_turns_the_first_axis_clockwise() -> None:
    down_to_the_right = bell(9, (3.0, 0.5), math.pi / 4)
    assert down_to_the_right[8, 8] > 100 * down_to_the_right[8, 0]


@pytest.mark.parametrize("cutoff", [math.pi / 5, math.pi / 3, 2.5, math.pi])
def test_sinc_is_the_transform_of_a_disc(cutoff: float) -> None:
    # The inverse Fourier transform of a disc, summed up over a fine grid of frequencies.
    steps = (np.arange(400) + 0.5) / 200 - 1
    u, v = np.meshgrid(steps * math.pi, steps * math.pi)
    inside = np.hypot(u, v) <= cutoff
    u, v = u[inside], v[inside]
    size = 9
    kernel = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            kernel[row, column] = np.cos(u * (column - 4) + v * (row - 4)).sum()
    np.testing.assert_allclose(sinc(size, cutoff), kernel / kernel.sum(), atol=3e-4)


def test_sinc_keeps_what_is_below_its_cutoff_and_drops_what_is_above() -> None:
    response = np.abs(np.fft.rfft(sinc(101, math.pi / 2)[:, :].sum(axis=0), n=1024))
    frequencies = np.linspace(0, math.pi, len(response))
    # Gibbs' ripples, which the kernel is there for, stay within a tenth.
    assert np.abs(response[frequencies < 0.85 * math.pi / 2] - 1).max() < 0.1
    assert response[frequencies > 1.15 * math.pi / 2].max() < 0.1


def draw(seed: int, family: str, size: int = 15) -> Kernel:
    return random_kernel(
        np.random.default_rng(seed),
        size=size,
        families=(family,),
        chances=(1.0,),
        sigma=(0.3, 3.0),
        beta_generalised=(0.5, 4.0),
        beta_plateau=(1.0, 2.0),
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_draws_kernels_that_keep_the_brightness_and_the_place(family: str) -> None:
    drawn = [draw(seed, family) for seed in range(20)]
    for kernel in drawn:
        assert kernel.shape == (15, 15)
        assert kernel.min() >= 0
        assert kernel.sum() == pytest.approx(1)
        np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-12)
    turned_alike = [np.allclose(kernel, np.rot90(kernel), atol=1e-9) for kernel in drawn]
    assert all(turned_alike) if "aniso" not in family else not any(turned_alike)
    assert len({kernel.tobytes() for kernel in drawn}) == 20
    assert draw(3, family).tobytes() == drawn[3].tobytes()


def test_families_are_drawn_by_their_chances() -> None:
    generator = np.random.default_rng(0)
    upright = 0
    for _ in range(2000):
        kernel = random_kernel(
            generator,
            size=7,
            families=("iso", "aniso"),
            chances=(3.0, 1.0),  # they need not sum up to 1
            sigma=(0.5, 3.0),
            beta_generalised=(0.5, 4.0),
            beta_plateau=(1.0, 2.0),
        )
        upright += bool(np.allclose(kernel, kernel.T))
    assert abs(upright - 1500) < 5 * (2000 * 0.75 * 0.25) ** 0.5
