"""Layers moved away from their start, and how far they turn out to look."""

from typing import TypeVar

import torch
from torch import Tensor, nn

from srkit.layers.layer import Layer

Kind = TypeVar("Kind", bound=nn.Module)


def randomised(module: Kind) -> Kind:
    """Move all weights and statistics of a module, and set it to evaluate.

    What starts as zero, one or nearly the identity would hide mistakes. Biases get positive, so
    that no hidden unit is dead by chance.
    """
    torch.manual_seed(0)
    for name, parameter in module.named_parameters():
        parameter.data += torch.randn_like(parameter) / max(4, parameter[0].numel()) ** 0.5
        if name.endswith("bias"):
            parameter.data.abs_().add_(0.5)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return module.eval()


def assert_passes_gradients(layer: nn.Module, x: Tensor) -> None:
    """See that gradients reach the input, which has to require them, and every parameter."""
    layer(x).square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@torch.no_grad()
def measured_field(layer: Layer, features: int, side: int) -> int:
    """Touch a pixel in the middle of a side x side map, at every phase of the layer's grid."""
    layer = layer.double()
    multiple = layer.size_multiple
    x = torch.randn(1, features, side, side, dtype=torch.float64)
    before = layer(x)
    farthest = 0
    for at in range(side // 2 // multiple * multiple, side // 2 // multiple * multiple + multiple):
        touched = x.clone()
        # Not the same in all channels, which a normalisation would take off again.
        touched[..., at, at] += torch.randn(features, dtype=torch.float64)
        changed = (layer(touched) - before).abs().sum(dim=(0, 1)) > 1e-11
        farthest = max(farthest, int((changed.any(dim=1).nonzero() - at).abs().max()))
    return farthest


def assert_states_its_receptive_field(layer: Layer, features: int, *, slack: int = 0) -> None:
    """See that a change goes as far as the layer says, or not more than `slack` less far."""
    declared = layer.receptive_field
    if declared is None:
        side = 21
        assert measured_field(layer, features, side) >= side // 2  # the border
    else:
        # What is touched sees neither a border nor a cut cell of a grid.
        side = 2 * (declared + layer.size_multiple) + 3
        assert declared - slack <= measured_field(layer, features, side) <= declared


@torch.no_grad()
def assert_tiles_are_exact(layer: Layer, features: int) -> None:
    """Cut a tile out on the layer's grid, with its receptive field around it."""
    layer, multiple = layer.double(), layer.size_multiple
    assert layer.receptive_field is not None
    halo = -(-layer.receptive_field // multiple) * multiple
    start, core = multiple, 2 * multiple
    x = torch.randn(1, features, start + core + 2 * halo + 3, core + 5, dtype=torch.float64)
    whole: Tensor = layer(x)
    tile: Tensor = layer(x[..., start : start + core + 2 * halo, :])
    expected = whole[..., start + halo : start + halo + core, :]
    torch.testing.assert_close(tile[..., halo : halo + core, :], expected, atol=1e-10, rtol=0)
