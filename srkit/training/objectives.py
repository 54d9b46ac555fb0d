"""What each kind of model is trained to do: a loss from the model and a batch.

A super-resolution network minimises the mean absolute error against the HR patch. LPAE and LPSR
minimise the sums of "LPAE: Laplacian Pyramid-like Autoencoder", SAI 2022,
https://arxiv.org/abs/2208.12484: the weights below are the paper's.
"""

# Shapes: B batch, K image channels, H W height and width.

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.data.batches import Batch
from srkit.models.lpae import LPAE
from srkit.models.lpsr import LPSR
from srkit.models.model import Model

Objective = Callable[[Model, Batch], Tensor]

DETAIL_WEIGHT = 1.0
APPROXIMATION_WEIGHT = 0.8
BAND_WEIGHT = 10.0
OCTAVE_WEIGHTS = (0.8, 1.0, 1.2)  # coarse to fine


def super_resolution(model: Model, batch: Batch) -> Tensor:
    """Mean absolute error of the enlarged LR patch."""
    return F.l1_loss(model(batch.lr), batch.hr)


def autoencoding(model: Model, batch: Batch) -> Tensor:
    """Reconstruct, with small details, from approximations close to the halved image.

    The loss of one level is the paper's; several levels add theirs up, each with a halving of the
    image itself as its target, not of the approximation before it.
    """
    assert isinstance(model, LPAE)
    approximation = target = batch.hr
    details = []
    loss = torch.zeros((), device=target.device)
    for _ in range(model.config.levels):
        approximation, detail = model.encode(approximation)
        target = _halved(target)
        details.append(detail)
        loss = loss + DETAIL_WEIGHT * detail.square().mean()
        loss = loss + APPROXIMATION_WEIGHT * (approximation - target).square().mean()
    return loss + F.l1_loss(model.reconstruct(approximation, details), batch.hr)


def band_prediction(model: Model, batch: Batch) -> Tensor:
    """Predict what the frozen LPAE makes of the HR patch, and the patch itself."""
    assert isinstance(model, LPSR)
    with torch.no_grad():
        approximation, details = model.lpae.decompose(batch.hr)
    predicted = model.predict(batch.lr)
    bands = F.l1_loss(predicted.approximation, approximation)
    fine_to_coarse = reversed(OCTAVE_WEIGHTS[: len(details)])
    for weight, guess, truth in zip(fine_to_coarse, predicted.details, details, strict=True):
        bands = bands + weight * F.l1_loss(guess, truth)
    return F.l1_loss(model.lpae.reconstruct(*predicted), batch.hr) + BAND_WEIGHT * bands


def objective_for(model: Model) -> Objective:
    """Give the objective of a model's kind."""
    for kind, objective in OBJECTIVES.items():
        if isinstance(model, kind):
            return objective
    return super_resolution


OBJECTIVES: dict[type[Model], Objective] = {LPAE: autoencoding, LPSR: band_prediction}


def _halved(image: Tensor) -> Tensor:
    # As in the paper's code: bicubic between aligned corners, without antialiasing.
    size = (image.shape[-2] // 2, image.shape[-1] // 2)
    return F.interpolate(image, size=size, mode="bicubic", align_corners=True)
