"""What every head must do; and that each starts from the enlargement it says it starts from."""

import pytest
import torch
from torch import nn

from srkit.errors import ConfigError
from srkit.layers.heads import HEADS, create_head
from srkit.layers.layer import Layer
from srkit.transforms.laplacian import expand


def buildable() -> list[tuple[str, int]]:
    scales = {"pixel_shuffle": (2, 3, 4, 8)}
    return [(name, scale) for name in HEADS for scale in scales.get(name, (2, 4, 8))]


@pytest.fixture(params=buildable(), ids=lambda pair: f"{pair[0]}-x{pair[1]}")
def head(request: pytest.FixtureRequest) -> Layer:
    torch.manual_seed(0)
    name, scale = request.param
    return create_head(name, 16, 3, scale)


@pytest.mark.parametrize("size", [(1, 1), (7, 5)])
def test_enlarges_by_its_scale(
    head: Layer, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    _, scale = request.node.callspec.params["head"]
    enlarged = head(torch.randn(2, 16, *size), torch.rand(2, 3, *size))
    assert enlarged.shape == (2, 3, size[0] * scale, size[1] * scale)


def test_passes_gradients_to_every_parameter(head: Layer) -> None:
    head(torch.randn(1, 16, 6, 6), torch.rand(1, 3, 6, 6)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())


def test_does_not_mix_images_of_a_batch(head: Layer) -> None:
    features, lr = torch.randn(3, 16, 6, 5), torch.rand(3, 3, 6, 5)
    torch.testing.assert_close(head(features, lr)[1:2], head(features[1:2], lr[1:2]))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_maps(head: Layer, value: float) -> None:
    assert head(torch.full((1, 16, 6, 5), value), torch.full((1, 3, 6, 5), value)).isfinite().all()


def test_remembers_all_of_itself(head: Layer, request: pytest.FixtureRequest) -> None:
    name, scale = request.node.callspec.params["head"]
    again = create_head(name, 16, 3, scale)
    again.load_state_dict(head.state_dict())
    features, lr = torch.randn(1, 16, 4, 5), torch.rand(1, 3, 4, 5)
    torch.testing.assert_close(again(features, lr), head(features, lr), atol=0, rtol=0)


def test_states_its_receptive_field(head: Layer) -> None:
    head = head.double()
    features = torch.randn(1, 16, 15, 15, dtype=torch.float64)
    lr = torch.rand(1, 3, 15, 15, dtype=torch.float64)
    touched, touched_lr = features.clone(), lr.clone()
    touched[..., 7, 7] += 1
    touched_lr[..., 7, 7] += 1
    changed = (head(touched, touched_lr) - head(features, lr)).abs().sum(dim=(0, 1)) > 1e-12
    rows = changed.any(dim=1).nonzero().flatten()
    scale = changed.shape[0] // 15
    measured = int((rows // scale - 7).abs().max())
    assert head.receptive_field is not None
    assert measured <= head.receptive_field <= measured + 1


@pytest.mark.parametrize("name", ["pixel_shuffle", "wavelet"])
def test_without_a_prediction_every_pixel_is_repeated(name: str) -> None:
    head = create_head(name, 16, 3, 4)
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    lr = torch.rand(1, 3, 5, 3)
    repeated = lr.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
    torch.testing.assert_close(head(torch.randn(1, 16, 5, 3), lr), repeated)


def test_without_a_prediction_the_laplacian_head_expands() -> None:
    head = create_head("laplacian", 16, 3, 4)
    for parameter in head.parameters():
        nn.init.zeros_(parameter)
    lr = torch.rand(1, 3, 5, 3)
    enlarged = head(torch.randn(1, 16, 5, 3), lr)
    torch.testing.assert_close(enlarged, expand(expand(lr, (10, 6)), (20, 12)))


@pytest.mark.parametrize("name", ["wavelet", "laplacian"])
def test_octave_heads_refuse_other_scales(name: str) -> None:
    with pytest.raises(ConfigError, match="powers of two, got scale 3") as caught:
        create_head(name, 16, 3, 3)
    assert "pixel_shuffle" in str(caught.value.hint)
