"""The optimisers by name."""

import torch
from torch import nn

from srkit.training.config import Optimizer
from srkit.training.muon import Muon

OPTIMIZERS = {"AdamW": torch.optim.AdamW, "Adam": torch.optim.Adam, "Muon": Muon}


def create_optimizer(settings: Optimizer, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Build the optimiser a configuration names, over the weights that are to be trained."""
    return OPTIMIZERS[settings.type](
        weights,
        lr=settings.lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        # One kernel for all weights: small networks would wait for little else. Not `fused`: on a
        # processor it goes by the memory alone, and is wrong where a gradient is laid out
        # differently from its weight.
        foreach=True,
    )
