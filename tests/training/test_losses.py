"""Losses against plain formulas and other libraries."""

import lpips
import numpy as np
import pytest
import pywt
import torch
from skimage import data
from skimage.metrics import structural_similarity
from torch import Tensor

from srkit.training.losses import LOSSES


@pytest.fixture(scope="module")
def images() -> tuple[Tensor, Tensor]:
    """A photograph, (2, 3, 48, 48), and a noisy copy."""
    photograph = torch.from_numpy(data.astronaut()[:96, 180:228].copy()).float() / 255
    target = photograph.permute(2, 0, 1).reshape(3, 2, 48, 48).transpose(0, 1).contiguous()
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0))
    return target + 0.1 * noise, target


@pytest.mark.parametrize("name", LOSSES)
def test_is_zero_for_equal_images_and_has_gradients(
    name: str, images: tuple[Tensor, Tensor]
) -> None:
    prediction, target = images
    loss = LOSSES[name]()
    assert loss(target, target).item() == pytest.approx(0, abs=1e-6)
    asked = prediction.clone().requires_grad_()
    value = loss(asked, target)
    assert value.shape == ()
    assert value.item() > 0
    value.backward()
    assert asked.grad is not None
    assert asked.grad.isfinite().all()
    assert asked.grad.abs().sum() > 0


def test_pixel_losses_are_their_formulas(images: tuple[Tensor, Tensor]) -> None:
    prediction, target = images
    difference = (prediction - target).double().numpy()
    expected = {
        "l1": np.abs(difference).mean(),
        "l2": (difference**2).mean(),
        "charbonnier": (np.sqrt(difference**2 + 1e-6) - 1e-3).mean(),
    }
    for name, value in expected.items():
        assert LOSSES[name]()(prediction, target).item() == pytest.approx(value, rel=1e-5)


def test_frequency_is_numpys_spectrum(images: tuple[Tensor, Tensor]) -> None:
    prediction, target = images
    spectrum = np.fft.rfft2((prediction - target).double().numpy(), norm="ortho")
    expected = np.mean([np.abs(spectrum.real), np.abs(spectrum.imag)])
    assert LOSSES["frequency"]()(prediction, target).item() == pytest.approx(expected, rel=1e-4)


def test_wavelet_is_the_detail_bands_of_pywavelets(images: tuple[Tensor, Tensor]) -> None:
    prediction, target = images
    _, details = pywt.dwt2((prediction - target).double().numpy(), "haar")
    expected = np.mean([np.abs(band).mean() for band in details])
    assert LOSSES["wavelet"]()(prediction, target).item() == pytest.approx(expected, rel=1e-4)


def test_ssim_is_scikit_images(images: tuple[Tensor, Tensor]) -> None:
    prediction, target = (image.double().numpy() for image in images)
    expected = np.mean(
        [
            structural_similarity(
                a,
                b,
                channel_axis=0,
                data_range=1.0,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
            for a, b in zip(prediction, target, strict=True)
        ]
    )
    ours = 1 - LOSSES["ssim"]()(*images).item()
    # scikit-image leaves out a border of the filter's radius of 5 as well.
    assert ours == pytest.approx(expected, abs=1e-4)


def test_lpips_is_the_packages(images: tuple[Tensor, Tensor]) -> None:
    prediction, target = images
    loss = LOSSES["lpips"]()
    network: lpips.LPIPS = loss.network  # type: ignore[attr-defined]
    with torch.no_grad():
        expected = network(prediction, target, normalize=True).mean()
    assert loss(prediction, target).item() == pytest.approx(expected.item(), rel=1e-5)
