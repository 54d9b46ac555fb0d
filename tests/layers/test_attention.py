"""What every attention mechanism must do, whatever it is; then each against its oracle."""

import pytest
import torch
from timm.layers.eca import EcaModule
from timm.layers.squeeze_excite import SEModule
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention import ATTENTION, create_attention
from srkit.layers.attention.efficient_channel import EfficientChannelAttention, kernel_size_for
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.layer import Layer


@pytest.fixture(params=ATTENTION)
def attention(request: pytest.FixtureRequest) -> Layer:
    torch.manual_seed(0)
    return create_attention(request.param, 16).eval()


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (32, 33)])
def test_keeps_the_shape(attention: Layer, size: tuple[int, int]) -> None:
    x = torch.randn(2, 16, *size)
    assert attention(x).shape == x.shape


def test_does_not_mix_images_of_a_batch(attention: Layer) -> None:
    x = torch.randn(3, 16, 8, 8)
    torch.testing.assert_close(attention(x)[1:2], attention(x[1:2]))


def test_passes_gradients_to_its_input_and_every_parameter(attention: Layer) -> None:
    x = torch.randn(1, 16, 8, 8, requires_grad=True)
    attention(x).square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in attention.parameters())


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_maps(attention: Layer, value: float) -> None:
    assert attention(torch.full((1, 16, 6, 6), value)).isfinite().all()


def test_states_its_receptive_field(attention: Layer) -> None:
    x = torch.randn(1, 16, 15, 15, dtype=torch.float64)
    attention = attention.double()
    touched = x.clone()
    touched[..., 7, 7] += 1
    changed = (attention(touched) - attention(x)).abs().sum(dim=(0, 1)) > 1e-12
    rows = changed.any(dim=1).nonzero().flatten()
    measured = int((rows - 7).abs().max())
    declared = attention.receptive_field
    assert measured == (7 if declared is None else declared)


def test_an_unknown_name_gets_the_choices_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match="none, se, eca") as caught:
        create_attention("ecaa", 16)
    assert caught.value.hint == "did you mean 'eca'?"


def test_squeeze_excitation_equals_timm() -> None:
    ours = SqueezeExcitation(64)
    theirs = SEModule(64, rd_ratio=1 / 16, rd_divisor=1, bias=True)
    _copy(ours.squeeze, theirs.fc1)
    _copy(ours.excite, theirs.fc2)
    x = torch.randn(2, 64, 9, 7)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-6, rtol=0)


def test_squeeze_excitation_can_be_given_a_floor() -> None:
    assert SqueezeExcitation(16, least_hidden=4).squeeze.out_channels == 4
    assert SqueezeExcitation(64, least_hidden=2).squeeze.out_channels == 4


@pytest.mark.parametrize("channels", [16, 64, 256])
def test_efficient_channel_attention_equals_timm(channels: int) -> None:
    ours = EfficientChannelAttention(channels)
    theirs = EcaModule(channels)
    assert ours.mix.weight.shape == theirs.conv.weight.shape
    theirs.conv.weight.data.copy_(ours.mix.weight.data)
    x = torch.randn(2, channels, 9, 7)
    torch.testing.assert_close(ours(x), theirs(x), atol=1e-6, rtol=0)


def test_efficient_channel_kernel_follows_the_paper() -> None:
    assert [kernel_size_for(c) for c in (16, 96, 128, 1024, 2048)] == [3, 3, 5, 5, 7]


@pytest.mark.parametrize("size", [0, 2, -3])
def test_efficient_channel_kernel_must_be_odd(size: int) -> None:
    with pytest.raises(ConfigError, match=f"odd and positive, got {size}"):
        EfficientChannelAttention(16, kernel_size=size)


def _copy(ours: nn.Conv2d, theirs: nn.Conv2d) -> None:
    def weights(layer: nn.Conv2d) -> tuple[Tensor, Tensor]:
        assert layer.bias is not None
        return layer.weight.data, layer.bias.data

    for target, source in zip(weights(theirs), weights(ours), strict=True):
        target.copy_(source)
