"""What every block must do, with every attention inside it."""

import itertools

import pytest
import torch

from srkit.layers.attention import ATTENTION
from srkit.layers.blocks import BLOCKS, create_block
from srkit.layers.layer import Layer


@pytest.fixture(params=itertools.product(BLOCKS, ATTENTION), ids="-".join)
def block(request: pytest.FixtureRequest) -> Layer:
    torch.manual_seed(0)
    name, attention = request.param
    return create_block(name, 64, attention).eval()


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (32, 33)])
def test_keeps_the_shape(block: Layer, size: tuple[int, int]) -> None:
    x = torch.randn(2, 64, *size)
    assert block(x).shape == x.shape


def test_does_not_mix_images_of_a_batch(block: Layer) -> None:
    x = torch.randn(3, 64, 8, 8)
    torch.testing.assert_close(block(x)[1:2], block(x[1:2]), atol=1e-6, rtol=1e-5)


def test_passes_gradients_to_every_parameter(block: Layer) -> None:
    # Eight images: with a hidden ReLU of four units, one image alone may leave them all at zero.
    block(torch.randn(8, 64, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in block.parameters())


def test_states_its_receptive_field(block: Layer) -> None:
    block = block.double()
    x = torch.randn(1, 64, 15, 15, dtype=torch.float64)
    touched = x.clone()
    touched[..., 7, 7] += 1
    changed = (block(touched) - block(x)).abs().sum(dim=(0, 1)) > 1e-12
    measured = int((changed.any(dim=1).nonzero().flatten() - 7).abs().max())
    declared = block.receptive_field
    assert measured == (7 if declared is None else declared)
