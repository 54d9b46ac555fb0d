"""The loss of an autoencoder by itself: to be exact, with small details and a halved image.

Han et al., "LPAE: Laplacian Pyramid-like Autoencoder", SAI 2022, https://arxiv.org/abs/2208.12484.
"""

# Shapes: B batch, K image channels, H W height and width.

import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.models.lpae import LPAE

WEIGHTS = {"reconstruction": 1.0, "detail": 1.0, "approximation": 0.8}
"""Of the terms, in the paper."""


def autoencoder_loss(model: LPAE, image: Tensor) -> Tensor:
    """Add the terms up by the paper's weights."""
    terms = autoencoder_terms(model, image)
    return torch.stack([weight * terms[name] for name, weight in WEIGHTS.items()]).sum()


def autoencoder_terms(model: LPAE, image: Tensor) -> dict[str, Tensor]:
    """Give the three terms of LPAE's loss on (B, K, H, W) images."""
    approximation = target = image
    details = []
    detail_term = approximation_term = torch.zeros((), device=image.device)
    for _ in range(model.config.levels):
        approximation, detail = model.encode(approximation)
        target = _halved(target)
        details.append(detail)
        detail_term = detail_term + detail.float().square().mean()
        approximation_term = approximation_term + (approximation - target).float().square().mean()
    reconstruction = F.l1_loss(model.reconstruct(approximation, details).float(), image)
    return {
        "reconstruction": reconstruction,
        "detail": detail_term,
        "approximation": approximation_term,
    }


def _halved(image: Tensor) -> Tensor:
    # As in the paper's code: bicubic between aligned corners, without antialiasing.
    size = (image.shape[-2] // 2, image.shape[-1] // 2)
    return F.interpolate(image, size=size, mode="bicubic", align_corners=True)
