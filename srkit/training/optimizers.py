"""The optimisers by name.

torch's own compute in one pass over the memory (`fused`), several times as fast as one operation
after the other; small networks would wait for little else. On a processor that pass goes by the
memory alone: gradients and moments must lie in it as their weights do, channels last. autograd and
`state.restore` see to that.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from srkit.training.config import Training
from srkit.training.muon import Muon

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "AdamW": partial(torch.optim.AdamW, fused=True),
    "Adam": partial(torch.optim.Adam, fused=True),
    "Muon": Muon,
}


def create_optimizer(recipe: Training, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Build the optimiser a recipe names, over the weights that are to be trained."""
    settings = recipe.optim_g
    create = OPTIMIZERS[settings.type]
    if create is Muon and recipe.precision == "bfloat16":
        create = partial(Muon, turned_in=torch.bfloat16)
    return create(weights, lr=settings.lr, betas=settings.betas, weight_decay=settings.weight_decay)
