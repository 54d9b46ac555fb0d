"""The exponential moving average (EMA) of a model's weights: what is validated and released.

Early on the average follows faster, (1 + step) / (10 + step), so that it forgets the random start.
Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; the
early rule is TensorFlow's `ExponentialMovingAverage`.
"""

import copy
from functools import cached_property

import torch
from torch import Tensor

from srkit.models.network import Network


class WeightAverage:
    """A second copy of a model that follows the first.

    From the first update on, the first one's weights must stay the same tensors.
    """

    def __init__(self, model: Network, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._followed = model

    @cached_property
    def _pairs(self) -> tuple[list[Tensor], list[Tensor], list[tuple[Tensor, Tensor]]]:
        """Look up averages, weights, and what is copied.

        Once: collecting the tensors takes longer than averaging a small model's. Not before the
        first update: an engine may give parameters other memory and put new buffers in the places
        of the old ones (accelerate does when it spreads a model).
        """
        ours, theirs = self.model.state_dict(), self._followed.state_dict(keep_vars=True)
        averaged = [name for name, tensor in ours.items() if tensor.is_floating_point()]
        copied = [(ours[name], theirs[name]) for name in ours if name not in averaged]
        return [ours[name] for name in averaged], [theirs[name] for name in averaged], copied

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the model's weights after the step counted from 0."""
        averages, weights, copied = self._pairs
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for average, counter in copied:  # whole numbers have no average
            average.copy_(counter)
