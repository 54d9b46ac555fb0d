"""What a network is trained to do, as a module around it.

So an engine that spreads training over devices sees one forward pass and every gradient.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.registry import lookup
from srkit.models.network import Network

LOSS_KEY = "train.losses"


class Objective(nn.Module):
    """Compute every term of a model's loss on a batch.

    `weights` holds the terms to compute and how much each counts; a term of weight 0 is computed
    for the log alone.

    Raises: ConfigError for a term this kind of model does not have, and for weights all 0.
    """

    standard: ClassVar[Mapping[str, float]]
    """The weights when nobody says otherwise."""

    def __init__(self, model: Network, weights: Mapping[str, float]) -> None:
        super().__init__()
        self.model = model
        self.weights = dict(weights or self.standard)
        if not any(self.weights.values()):
            given = ", ".join(f"{name} {weight:g}" for name, weight in self.weights.items())
            raise ConfigError(f"{LOSS_KEY}: one weight must be greater than 0, got {given}")

    def forward(self, batch: Any) -> dict[str, Tensor]:
        """Give the value of each term, float32, not weighted."""
        raise NotImplementedError

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """Add the terms up by their weights."""
        total = torch.stack([weight * terms[name] for name, weight in self.weights.items()])
        return total.sum()


def require_known(weights: Mapping[str, float], known: Mapping[str, float]) -> None:
    """Raise a ConfigError for a term that there is not."""
    for name in weights:
        lookup(known, "loss", name, key=LOSS_KEY)
