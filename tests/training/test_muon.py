"""Muon takes torch's own steps on matrices, orthogonal ones on kernels, AdamW's on all else."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from srkit.training.config import Training
from srkit.training.muon import Muon, orthogonal
from srkit.training.optimizers import create_optimizer


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16)])
def test_singular_values_come_close_to_one(shape: tuple[int, int], precision: torch.dtype) -> None:
    # Far apart before, as those of a gradient are.
    u, _, v = torch.linalg.svd(torch.randn(2, *shape), full_matrices=False)
    spread = u @ torch.diag_embed(torch.logspace(0, -2, min(shape)).expand(2, -1)) @ v
    singular = torch.linalg.svdvals(orthogonal(spread.to(precision)).float())
    assert singular.min() > 0.3
    assert singular.max() < 1.3


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(12, 30), (30, 12)])
def test_agrees_with_torch_on_matrices(shape: tuple[int, int], precision: torch.dtype) -> None:
    start = torch.randn(shape)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine = Muon([ours], lr=0.1, betas=(0.9, 0.99), weight_decay=0.02, turned_in=precision)
    torchs = torch.optim.Muon(
        [theirs], lr=0.1, weight_decay=0.02, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    for _ in range(3):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.clone()
        mine.step()
        torchs.step()
    moved = (theirs - start).norm()
    # torch iterates in bfloat16, of eight bits.
    assert (ours - theirs).norm() < 0.03 * moved


@pytest.mark.parametrize(
    ("precision", "turned_in"),
    [("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float32)],
)
def test_a_run_in_bfloat16_turns_kernels_in_it(precision: str, turned_in: torch.dtype) -> None:
    recipe = Training.model_validate({"precision": precision, "optim_g": {"type": "Muon"}})
    optimizer = create_optimizer(recipe, [nn.Parameter(torch.randn(6, 6, 3, 3))])
    assert isinstance(optimizer, Muon)
    assert optimizer.turned_in is turned_in


def kernels() -> tuple[nn.Conv2d, nn.Conv2d, nn.Conv2d]:
    layers = nn.Conv2d(6, 6, 3), nn.Conv2d(6, 6, 3), nn.Conv2d(6, 6, 3, groups=6)
    for layer in layers:
        layer.to(memory_format=torch.channels_last)
    return layers


def give_gradients(weights: Sequence[Tensor]) -> list[Tensor]:
    for weight in weights:
        weight.grad = torch.randn_like(weight)
    return [weight.grad.clone() for weight in weights if weight.grad is not None]


def test_a_kernel_is_the_matrix_of_its_output_channels() -> None:
    first, second, _ = kernels()
    before = [layer.weight.detach().clone() for layer in (first, second)]
    weights = [first.weight, second.weight]
    optimizer = Muon(weights, lr=0.1, weight_decay=0.0)
    gradients = give_gradients(weights)
    optimizer.step()
    for layer, start, gradient in zip((first, second), before, gradients, strict=True):
        # Nesterov's look ahead in the first step: g + 0.95 * (0.05 g - g), all of it along g.
        direction = orthogonal(gradient.flatten(1)[None])[0].view_as(start)
        change = -0.1 * 0.2 * 54**0.5 * direction
        torch.testing.assert_close(layer.weight - start, change, rtol=1e-3, atol=1e-5)


def test_each_expert_has_a_matrix_of_its_own() -> None:
    stack = nn.Parameter(torch.randn(3, 6, 6, 3, 3))
    alone = [nn.Parameter(kernel.clone()) for kernel in stack.detach()]
    of_stack, of_alone = (Muon(weights, lr=0.1) for weights in ([stack], alone))
    (gradient,) = give_gradients([stack])
    for kernel, own in zip(alone, gradient, strict=True):
        kernel.grad = own
    of_stack.step()
    of_alone.step()
    torch.testing.assert_close(stack, torch.stack(list(alone)))


def test_biases_and_depthwise_kernels_are_adamws() -> None:
    mixing, _, depthwise = kernels()
    rest = [mixing.bias, depthwise.weight, depthwise.bias]
    assert all(weight is not None for weight in rest)
    ours = [nn.Parameter(weight.detach().clone()) for weight in rest if weight is not None]
    theirs = [nn.Parameter(weight.detach().clone()) for weight in ours]
    settings: dict[str, Any] = {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.01}
    mine = Muon([mixing.weight, *ours], **settings)
    torchs = torch.optim.AdamW(theirs, **settings)
    for _ in range(3):
        for weight, gradient in zip(theirs, give_gradients(ours), strict=True):
            weight.grad = gradient
        mixing.weight.grad = torch.randn_like(mixing.weight)
        mine.step()
        torchs.step()
    for weight, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(weight, expected, rtol=0, atol=0)
