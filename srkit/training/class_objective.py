"""What a classifier is trained to do: the right classes, by the scores of each of its heads.

Cross-entropy where an image has one class, and where it can have several the binary one, averaged
over the classes; both on scores, without a detour over probabilities. The heads' losses are added
up, as in "LPAE: Laplacian Pyramid-like Autoencoder", SAI 2022, https://arxiv.org/abs/2208.12484.
"""

# Shapes: B batch, N classes.

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.data.labelled_batches import LabelledBatch
from srkit.models.classifier import Classifier
from srkit.models.holding_lpae import HoldsLPAE
from srkit.models.network import Network
from srkit.training.lpae_loss import autoencoder_loss
from srkit.training.objective import Objective, require_known


class Classification(Objective):
    """Score the classes of an image.

    The first stage of an LPAE classifier keeps its autoencoder frozen. In the second, `joint`, that
    learns too, and its own loss counts a thousandth, as in the paper.
    """

    standard: ClassVar[Mapping[str, float]] = {"cross_entropy": 1.0}
    joint: ClassVar[Mapping[str, float]] = {"cross_entropy": 1.0, "lpae": 0.001}

    def __init__(self, model: Network, weights: Mapping[str, float]) -> None:
        trained = isinstance(model, HoldsLPAE) and any(
            weight.requires_grad for weight in model.lpae.parameters()
        )
        known = self.joint if trained else self.standard
        super().__init__(model, weights or known)
        require_known(self.weights, known)

    def forward(self, batch: LabelledBatch) -> dict[str, Tensor]:
        model = self.model
        assert isinstance(model, Classifier)
        loss = F.binary_cross_entropy_with_logits if model.multi_label else F.cross_entropy
        heads = [loss(scores.float(), batch.targets) for scores in model.heads(batch.images)]
        terms = {"cross_entropy": torch.stack(heads).sum()}
        if "lpae" in self.weights:
            assert isinstance(model, HoldsLPAE)
            terms["lpae"] = autoencoder_loss(model.lpae, batch.images)
        return terms
