"""Kernels get the same gradient in bfloat16 as in float32, but for rounding."""

import pytest
import torch
from torch import Tensor, nn

from srkit.layers.attention import ATTENTION, create_attention
from srkit.layers.blocks import BLOCKS, create_block
from srkit.layers.dilated import DilatedConv2d

SIDE = 33
"""Wide enough for oneDNN's gradients of dilated kernels to be wrong."""


def gradients(layer: nn.Module, x_BCHW: Tensor, *, reduced: bool) -> dict[str, Tensor]:
    layer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
        result = layer(x_BCHW)
    result.float().square().mean().backward()
    return {
        name: one.grad.clone() for name, one in layer.named_parameters() if one.grad is not None
    }


def maps(channels: int) -> Tensor:
    torch.manual_seed(0)
    x = torch.randn(4, channels, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    return x.requires_grad_()


@pytest.mark.parametrize("groups", [1, 4, 16])
@pytest.mark.parametrize(("kernel", "dilation"), [(3, 2), (3, 3), (7, 3)])
def test_a_dilated_kernel_gets_its_gradient(kernel: int, dilation: int, groups: int) -> None:
    x = maps(16)
    padding = dilation * (kernel // 2)
    layer = DilatedConv2d(16, 16, kernel, padding=padding, dilation=dilation, groups=groups)
    layer = layer.to(memory_format=torch.channels_last)
    exact, reduced = (gradients(layer, x, reduced=reduced) for reduced in (False, True))
    for name, gradient in exact.items():
        torch.testing.assert_close(reduced[name], gradient, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("name", [*ATTENTION, *(f"block {name}" for name in BLOCKS)])
def test_no_entry_has_a_gradient_that_is_not_finite_in_bfloat16(name: str) -> None:
    torch.manual_seed(0)
    kind = name.removeprefix("block ")
    layer = create_block(kind, 16, "none") if kind != name else create_attention(name, 16)
    exact, reduced = (gradients(layer, maps(16), reduced=reduced) for reduced in (False, True))
    assert exact.keys() == reduced.keys()
    for key, gradient in exact.items():
        assert (reduced[key] - gradient).norm() <= 0.25 * gradient.norm() + 1e-3, key
