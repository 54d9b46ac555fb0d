"""What each kind of model is trained to do: terms by name, each with a weight.

A super-resolution network minimises losses between the enlarged LR patch and the HR patch; one that
enlarges an octave at a time, between each octave's image and the HR patch at its size. LPAE and
LPSR minimise the sums of "LPAE: Laplacian Pyramid-like Autoencoder", SAI 2022,
https://arxiv.org/abs/2208.12484: the weights below are the paper's. What classifiers minimise is in
`srkit.training.class_objective`.
"""

# Shapes: B batch, K image channels, H W height and width.

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.data.batches import Batch
from srkit.layers.registry import lookup
from srkit.models.classifier import Classifier
from srkit.models.lapsrn import ProgressiveModel
from srkit.models.lpae import LPAE
from srkit.models.lpsr import LPSR
from srkit.models.network import Network
from srkit.training.class_objective import Classification
from srkit.training.losses import LOSSES
from srkit.training.lpae_loss import WEIGHTS, autoencoder_loss, autoencoder_terms
from srkit.training.objective import LOSS_KEY, Objective, require_known
from srkit.transforms.resize import imresize

# Its weights are made by numpy, which torch.compile should not look into.
shrink = torch.compiler.disable(imresize)

OCTAVE_WEIGHTS = (0.8, 1.0, 1.2)  # coarse to fine


class SuperResolution(Objective):
    """Losses between the enlarged LR patch and the HR patch: see srkit.training.losses."""

    standard: ClassVar[Mapping[str, float]] = {"l1": 1.0}

    def __init__(self, model: Network, weights: Mapping[str, float]) -> None:
        super().__init__(model, weights)
        self.losses = {name: lookup(LOSSES, "loss", name, key=LOSS_KEY)() for name in self.weights}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        prediction = self.model(batch.lr).float()
        with _float32(prediction):
            return {name: loss(prediction, batch.hr) for name, loss in self.losses.items()}


class DeepSupervision(SuperResolution):
    """The sum of a loss over the octaves, each compared with the HR patch shrunk to its size.

    Lai et al., "Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution", CVPR 2017,
    https://arxiv.org/abs/1704.03915.
    """

    standard: ClassVar[Mapping[str, float]] = {"charbonnier": 1.0}

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        assert isinstance(self.model, ProgressiveModel)
        images = self.model.progress(batch.lr)
        side = batch.hr.shape[-1]
        with _float32(batch.hr):
            targets = [shrink(batch.hr, scale=image.shape[-1] / side) for image in images]
            pairs = [(image.float(), target) for image, target in zip(images, targets, strict=True)]
            return {
                name: torch.stack([loss(image, target) for image, target in pairs]).sum()
                for name, loss in self.losses.items()
            }


class Autoencoding(Objective):
    """Reconstruct, with small details, from approximations close to the halved image.

    The loss of one level is the paper's; several levels add theirs up, each with a halving of the
    image itself as its target, not of the approximation before it.
    """

    standard: ClassVar[Mapping[str, float]] = WEIGHTS

    def __init__(self, model: Network, weights: Mapping[str, float]) -> None:
        super().__init__(model, weights)
        require_known(self.weights, self.standard)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        assert isinstance(self.model, LPAE)
        return autoencoder_terms(self.model, batch.hr)


class BandPrediction(Objective):
    """Predict what LPAE makes of the HR patch, and the patch itself.

    The first stage keeps LPAE frozen. In the second, `joint`, it learns too, and its own loss
    counts a thousandth, as in the paper's classification experiments.
    """

    standard: ClassVar[Mapping[str, float]] = {"image": 1.0, "bands": 10.0}
    joint: ClassVar[Mapping[str, float]] = {"image": 1.0, "bands": 10.0, "lpae": 0.001}

    def __init__(self, model: Network, weights: Mapping[str, float]) -> None:
        assert isinstance(model, LPSR)
        trained = any(weight.requires_grad for weight in model.lpae.parameters())
        known = self.joint if trained else self.standard
        super().__init__(model, weights or known)
        require_known(self.weights, known)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        model = self.model
        assert isinstance(model, LPSR)
        with torch.no_grad(), _float32(batch.hr):
            approximation, details = model.lpae.decompose(batch.hr)
        predicted = model.predict(batch.lr)
        bands = F.l1_loss(predicted.approximation.float(), approximation.float())
        fine_to_coarse = reversed(OCTAVE_WEIGHTS[: len(details)])
        for weight, guess, truth in zip(fine_to_coarse, predicted.details, details, strict=True):
            bands = bands + weight * F.l1_loss(guess.float(), truth.float())
        image = F.l1_loss(model.lpae.reconstruct(*predicted).float(), batch.hr)
        terms = {"image": image, "bands": bands}
        if "lpae" in self.weights:
            terms["lpae"] = autoencoder_loss(model.lpae, batch.hr)
        return terms


def create_objective(model: Network, weights: Mapping[str, float]) -> Objective:
    """Build the objective of a model's kind; no weights mean its standard ones."""
    for kind, objective in OBJECTIVES.items():
        if isinstance(model, kind):
            return objective(model, weights)
    return SuperResolution(model, weights)


OBJECTIVES: dict[type[Network], type[Objective]] = {
    ProgressiveModel: DeepSupervision,
    LPAE: Autoencoding,
    LPSR: BandPrediction,
    Classifier: Classification,
}


def _float32(tensor: Tensor) -> torch.autocast:
    """Compute in full where the network around computes in less."""
    return torch.autocast(tensor.device.type, enabled=False)
