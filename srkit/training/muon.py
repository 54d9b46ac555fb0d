"""Muon: a kernel takes steps of equal length in every direction; all else is AdamW's.

The momentum of a kernel, as a matrix of output channels by everything it is computed from, is
replaced by the nearest orthogonal matrix, so that a few strong directions cannot drown the rest.
Each kernel of a stack of experts is a matrix of its own.

Sources: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
https://kellerjordan.github.io/posts/muon/; the length of a step, which makes learning rates and
weight decay AdamW's, is that of Liu et al., "Muon is Scalable for LLM Training", 2025,
https://arxiv.org/abs/2502.16982. Kernels of one size are turned together, in bfloat16 (the source's
choice) where the run computes in bfloat16.
"""

# Shapes: N kernels, O output channels, I input channels times kernel height times kernel width.

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

MOMENTUM = 0.95
STEP = 0.2
"""Root mean square of AdamW's steps."""
QUINTIC = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
SMALL = 64
"""Of the shorter side of matrices: up to here bfloat16 takes longer than float32."""


class Muon(torch.optim.AdamW):
    """Orthogonal steps for kernels that mix channels, AdamW for all other weights.

    `turned_in` is the precision directions are made orthogonal in; steps are added in the weights'.
    """

    def __init__(
        self, weights: Sequence[Tensor], *, turned_in: torch.dtype = torch.float32, **settings: Any
    ) -> None:
        self.turned_in = turned_in
        kernels = [weight for weight in weights if weight.dim() > 1 and weight.shape[1] > 1]
        rest = [weight for weight in weights if weight.dim() < 2 or weight.shape[1] < 2]
        groups = [{"params": kernels, "kernels": True}, {"params": rest, "kernels": False}]
        super().__init__([group for group in groups if group["params"]], foreach=True, **settings)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Change every weight that has a gradient; those of kernels are used up."""
        for group in self.param_groups:
            if group["kernels"]:
                self._turn(group)
        super().step()  # passes over what has no gradient

    def _turn(self, group: dict[str, Any]) -> None:
        alike: dict[tuple[int, int], list[Tensor]] = {}
        for weight in group["params"]:
            if weight.grad is not None:
                rows, *rest = weight.shape[-4:]  # of five sides, the first counts experts
                alike.setdefault((rows, math.prod(rest)), []).append(weight)
        for (rows, columns), weights in alike.items():
            gradients = [weight.grad for weight in weights if weight.grad is not None]
            momenta = [self._momentum(weight) for weight in weights]
            torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
            # A step ahead along the momentum, as Nesterov does.
            ahead = torch._foreach_lerp(gradients, momenta, MOMENTUM)
            matrices = [_channels_last(kernel).reshape(-1, rows, columns) for kernel in ahead]
            turned_in = self.turned_in if min(rows, columns) > SMALL else torch.float32
            directions = orthogonal(torch.cat(matrices).to(turned_in)).to(matrices[0].dtype)
            directions *= group["lr"] * STEP * max(rows, columns) ** 0.5
            shares = directions.split([len(own) for own in matrices])
            torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            places = [_channels_last(weight) for weight in weights]
            steps = [share.view(place.shape) for share, place in zip(shares, places, strict=True)]
            torch._foreach_sub_(places, steps)
            for weight in weights:
                weight.grad = None

    def _momentum(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if not state:
            # AdamW asks every state it loads for the steps it has seen.
            state.update(step=torch.zeros(()), momentum=torch.zeros_like(weight))
        state["step"] += 1
        momentum: Tensor = state["momentum"]
        return momentum


def _channels_last(kernel: Tensor) -> Tensor:
    """Give a kernel's numbers in the order they have in memory, where copying them is cheap.

    The order of a matrix's columns is nothing to its singular values.
    """
    return kernel.movedim(-3, -1) if kernel.dim() > 3 else kernel


def orthogonal(matrices_NOI: Tensor) -> Tensor:
    """Move every singular value of each matrix close to 1, by Newton-Schulz iterations.

    Shape: (N, O, I) -> (N, O, I); singular values end between about 0.7 and 1.2.
    """
    first, third, fifth = QUINTIC
    wide = matrices_NOI.shape[1] <= matrices_NOI.shape[2]
    x = matrices_NOI if wide else matrices_NOI.mT
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        square = torch.baddbmm(gram, gram, gram, beta=third, alpha=fifth)
        x = torch.baddbmm(x, square, x, beta=first)
    return x if wide else x.mT
