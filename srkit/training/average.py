"""The exponential moving average (EMA) of a model's weights: what is validated and released.

Early on the average follows faster, (1 + step) / (10 + step), so that it forgets the random start.
Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; the
early rule is TensorFlow's `ExponentialMovingAverage`.
"""

import copy

import torch

from srkit.models.network import Network


class WeightAverage:
    """A second copy of a model that follows the first, whose weights must stay the same tensors."""

    def __init__(self, model: Network, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        # Looked up once: collecting the tensors takes longer than averaging a small model's.
        # The parameters themselves: an engine may give them other memory (DDP does).
        ours, theirs = self.model.state_dict(), model.state_dict(keep_vars=True)
        averaged = [name for name, tensor in ours.items() if tensor.is_floating_point()]
        self._averages = [ours[name] for name in averaged]
        self._weights = [theirs[name] for name in averaged]
        self._copied = [(ours[name], theirs[name]) for name in ours if name not in averaged]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the model's weights after the step counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averages, self._weights, 1 - decay)
        for average, counter in self._copied:  # whole numbers have no average
            average.copy_(counter)
