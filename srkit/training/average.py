"""The exponential moving average (EMA) of a model's weights: what is validated and released.

Early on the average follows faster, (1 + step) / (10 + step), so that it forgets the random start.
Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; the
early rule is TensorFlow's `ExponentialMovingAverage`.
"""

import copy

import torch

from srkit.models.model import Model


class WeightAverage:
    """A second copy of a model that follows the first."""

    def __init__(self, model: Model, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: Model, step: int) -> None:
        """Move towards the model's weights after the step counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        targets = [weight.detach() for weight in model.state_dict().values()]
        torch._foreach_lerp_(list(self.model.state_dict().values()), targets, 1 - decay)
