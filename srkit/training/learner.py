"""A model while it learns: all that a step changes, and the step itself in two halves.

The first half leaves a gradient on the weights and gives the loss; the second changes the weights.
Between them the loop can refuse a loss that is not finite.
"""

import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.utils import get_total_norm

from srkit.data.batches import Batch
from srkit.data.labelled_batches import LabelledBatch
from srkit.layers.collapsible import channels_last
from srkit.models.network import Network
from srkit.training.average import WeightAverage
from srkit.training.config import Training
from srkit.training.objectives import create_objective
from srkit.training.optimizers import create_optimizer
from srkit.training.state import Counters, restore, save_state


def lay_kernels_out(model: Network) -> None:
    """Put kernels into channels-last memory; torch's `to` does not, where experts have some."""
    for weight in model.parameters():
        if weight.dim() == 4:
            weight.data = channels_last(weight.data)


class Learner:
    """A model with its objective, optimiser and average, on the device of an engine.

    Raises: ConfigError for a loss this kind of model does not have.
    """

    def __init__(self, model: Network, recipe: Training, engine: Accelerator) -> None:
        model.to(engine.device)
        lay_kernels_out(model)
        self.model = model
        self.engine = engine
        self.largest_norm = recipe.clip_grad_norm or math.inf
        self.trained = [weight for weight in model.parameters() if weight.requires_grad]
        self.objective = create_objective(model, recipe.losses)
        self.average = WeightAverage(model, recipe.ema_decay)
        if recipe.compile:
            self.objective.compile()
        # The objective over all processes, and the optimiser as the engine wants it.
        self.spread, self.optimizer = engine.prepare(
            self.objective, create_optimizer(recipe, self.trained)
        )
        model.train()

    @property
    def scaled(self) -> bool:
        """Whether the loss is scaled (float16)."""
        return self.engine.scaler is not None

    @property
    def may_overflow(self) -> bool:
        """Whether a gradient that is not finite may be the scale's doing: steps are left out then.

        The scale is halved each time. Below 1 the loss is made smaller than it is.
        """
        return self.scaled and self.engine.scaler.get_scale() >= 1

    def finite(self) -> bool:
        """Tell whether all weights and their averages are."""
        tensors = [*self.model.state_dict().values(), *self.average.model.state_dict().values()]
        return all(bool(tensor.isfinite().all()) for tensor in tensors)

    def save(self, folder: Path, counters: Counters) -> None:
        """Write a state.

        Raises: OSError as `save_state`.
        """
        counters.scaler = self.engine.scaler.state_dict() if self.scaled else {}
        save_state(folder, counters, self.model, self.average, self.optimizer)

    def restore(self, counters: Counters, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a state."""
        restore(tensors, self.model, self.average, self.optimizer)
        if self.scaled and counters.scaler:
            self.engine.scaler.load_state_dict(counters.scaler)

    @property
    def names(self) -> tuple[str, ...]:
        """Name the numbers that `differentiate` gives, but for the last."""
        return ("total", *self.objective.weights)

    def differentiate(self, shares: Sequence[Batch | LabelledBatch]) -> Tensor:
        """Leave the gradient of the mean loss over batches, clipped, on the weights.

        Gives this process's means of the loss and its terms, in the order of `names`, and the norm
        that the gradient of all processes had.
        """
        for weight in self.trained:
            weight.grad = None
        means = torch.zeros(len(self.names), device=self.engine.device)
        for index, batch in enumerate(shares, 1):
            # Gradients are exchanged once a step, with the last share.
            last = index == len(shares)
            with nullcontext() if last else self.engine.no_sync(self.spread):
                terms = self.spread(batch.to(self.engine.device))
                total = self.objective.total(terms)
                self.engine.backward(total / len(shares))
            shown = [total, *(terms[name] for name in self.objective.weights)]
            means += torch.stack(shown).detach() / len(shares)
        return torch.cat([means, self._clip().reshape(1)])

    def _clip(self) -> Tensor:
        """Shorten the gradient where it is too long; give the norm it had."""
        if math.isfinite(self.largest_norm) or self.scaled:
            norm: Tensor = self.engine.clip_grad_norm_(self.trained, self.largest_norm)
            return norm
        # Nothing to clip: going over all gradients to multiply them by 1 takes as long as the norm.
        return get_total_norm(weight.grad for weight in self.trained if weight.grad is not None)

    def update(self, step: int, rate: float) -> None:
        """Let the gradient change the weights, and the average follow them."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.average.update(step)
