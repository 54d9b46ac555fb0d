"""Losses between an image and the one it should be, by name.

To add one: write a function of (prediction, target) that gives a mean over everything, or a class
that makes such a function where there is something to load first; add one line to LOSSES.

Convention
    Images are (B, K, H, W) in [0, 1], the prediction not clamped. Every loss is computed in
    float32, whatever the precision of the network, and is 0 for equal images.
"""

# Shapes: B batch, K image channels, H W height and width.

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.transforms.haar import haar

Loss = Callable[[Tensor, Tensor], Tensor]

CHARBONNIER = 1e-3  # Lai et al., "LapSRN", CVPR 2017, https://arxiv.org/abs/1704.03915
SSIM_WINDOW = 11


def charbonnier(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean of sqrt(difference² + ε²) - ε: L1, but smooth around zero."""
    smooth = ((prediction - target).square() + CHARBONNIER**2).sqrt()
    return smooth.mean() - CHARBONNIER


def frequency(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the two-dimensional Fourier coefficients, orthonormal.

    Source: Cho et al., "Rethinking Coarse-to-Fine Approach in Single Image Deblurring", ICCV
    2021, https://arxiv.org/abs/2108.05054 (there not normalised).
    """
    coefficients = torch.fft.rfft2(prediction - target, norm="ortho")
    return torch.view_as_real(coefficients).abs().mean()


def wavelet(prediction: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of the three detail bands of one Haar level."""
    bands = haar(prediction - target)
    return torch.stack(bands[1:]).abs().mean()


def ssim(prediction: Tensor, target: Tensor) -> Tensor:
    """1 - SSIM over the channels, 11x11 Gaussian window of sigma 1.5, border left out.

    Source: Wang et al., "Image Quality Assessment", IEEE TIP 2004; the map is kornia's.
    """
    from kornia.metrics import ssim as ssim_map  # takes a second to import

    return 1 - ssim_map(prediction, target, SSIM_WINDOW, padding="valid").mean()


class Lpips:
    """LPIPS (AlexNet, v0.1): see srkit.evaluation.perceptual.

    Raises: CheckpointError when the shipped AlexNet weights are missing or damaged.
    """

    def __init__(self) -> None:
        from srkit.evaluation.perceptual import Perceptual

        self.network = Perceptual().network

    def __call__(self, prediction: Tensor, target: Tensor) -> Tensor:
        self.network.to(prediction.device)
        distance: Tensor = self.network(2 * prediction - 1, 2 * target - 1)
        return distance.mean()


LOSSES: dict[str, Callable[[], Loss]] = {
    "l1": lambda: F.l1_loss,
    "l2": lambda: F.mse_loss,
    "charbonnier": lambda: charbonnier,
    "frequency": lambda: frequency,
    "wavelet": lambda: wavelet,
    "ssim": lambda: ssim,
    "lpips": Lpips,
}
