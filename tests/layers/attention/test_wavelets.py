"""WaveNet-C and the wavelet autoencoder attention: the theorem, a slow loop, exact inversion."""

import pytest
import pywt
import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.attention.wavelet_bands import WaveletBandAttention
from srkit.layers.attention.wavelet_channel import WaveletChannelAttention, orthonormal_filters
from srkit.transforms.haar import haar

from ..layer_making import (
    assert_states_its_receptive_field,
    assert_tiles_are_exact,
    randomised,
)


@pytest.mark.parametrize("levels", [0, 1, 3, 6])
def test_a_mean_is_what_recursive_haar_approximation_leaves(levels: int) -> None:
    side = 2**levels
    x = torch.rand(2, 3, side, side)
    left = x
    for _ in range(levels):
        left = haar(left).approximation
    assert left.shape == (2, 3, 1, 1)
    torch.testing.assert_close(left / side, x.mean((2, 3), keepdim=True), atol=1e-6, rtol=0)


@pytest.mark.parametrize("side", [1, 8, 64])
def test_averaging_filters_make_it_squeeze_and_excitation(side: int) -> None:
    ours = randomised(WaveletChannelAttention(32, norm="average"))
    ours.get_buffer("filters").fill_(0.5)  # Haar's low pass
    se = SqueezeExcitation(32, bias=False)
    se.gate.load_state_dict(ours.gate.state_dict())
    x = torch.rand(2, 32, side, side)
    torch.testing.assert_close(ours(x), se(x), atol=1e-6, rtol=0)


def slow_coefficient(map_HW: Tensor, filter_22: Tensor) -> float:
    """Reduce a square map to a number, 2x2 pixels at a time."""
    while map_HW.shape[0] > 1:
        side = map_HW.shape[0] // 2
        smaller = torch.zeros(side, side, dtype=map_HW.dtype)
        for i in range(side):
            for j in range(side):
                smaller[i, j] = (map_HW[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] * filter_22).sum()
        map_HW = smaller
    return map_HW.item()


@pytest.mark.parametrize("size", [(7, 7), (8, 8), (5, 11), (1, 1), (1, 3)])
@pytest.mark.parametrize("fit", ["pad", "pool", "crop"])
def test_equals_a_slow_loop(size: tuple[int, int], fit: str) -> None:
    layer = randomised(WaveletChannelAttention(6, fit=fit, seed=1)).double()  # type: ignore[arg-type]
    x = torch.randn(1, 6, *size, dtype=torch.float64)
    if fit == "pad":
        side = next(2**j for j in range(9) if 2**j >= max(size))
        fitted = F.pad(x, (0, side - size[1], 0, side - size[0]), mode="replicate")
    else:
        side = max(2**j for j in range(9) if 2**j <= min(size))
        fitted = F.adaptive_avg_pool2d(x, side) if fit == "pool" else x[..., :side, :side]
    found = [
        slow_coefficient(fitted[0, c], layer.get_buffer("filters")[c, 0].double()) for c in range(6)
    ]
    expected = torch.tensor(found, dtype=torch.float64)
    torch.testing.assert_close(layer.compress(x).flatten(), expected)
    torch.testing.assert_close(layer(x), x * layer.gate(expected[None, :, None, None]))


@pytest.mark.parametrize("channels", [4, 64, 1024, 6])
def test_each_four_filters_are_orthonormal(channels: int) -> None:
    filters = orthonormal_filters(channels, seed=0)
    assert filters.shape == (channels, 1, 2, 2)
    for basis in filters.flatten(1).split(4):
        gram = basis @ basis.T
        torch.testing.assert_close(gram, torch.eye(len(basis)), atol=1e-6, rtol=0)
        assert (basis[0] >= 0).all()
    if channels > 4:
        assert not torch.allclose(filters[0], filters[4])


def test_filters_come_from_the_seed_and_travel_with_the_weights() -> None:
    first, second = (WaveletChannelAttention(16, seed=5) for _ in range(2))
    state = first.state_dict()
    assert torch.equal(state["filters"], second.state_dict()["filters"])
    torch.manual_seed(0)
    drawn = WaveletChannelAttention(16)
    assert not torch.equal(
        drawn.state_dict()["filters"], WaveletChannelAttention(16).state_dict()["filters"]
    )
    drawn.load_state_dict(state)
    assert torch.equal(drawn.state_dict()["filters"], state["filters"])
    assert all(name != "filters" for name, _ in drawn.named_parameters())


def test_the_raw_scale_is_that_of_the_noise_at_any_size() -> None:
    torch.manual_seed(0)
    for side in (4, 16, 32):
        noise = torch.randn(64, 16, side, side)
        raw = WaveletChannelAttention(16, seed=0).compress(noise)
        assert raw.var().item() == pytest.approx(1, abs=0.15)
        average = WaveletChannelAttention(16, seed=0, norm="average").compress(noise)
        torch.testing.assert_close(average * side, raw)


@pytest.mark.parametrize("fit", ["pad", "pool"])
@pytest.mark.parametrize("size", [(7, 8), (48, 48), (13, 61)])
def test_every_pixel_is_looked_at(fit: str, size: tuple[int, int]) -> None:
    layer = WaveletChannelAttention(8, fit=fit, seed=0).double()  # type: ignore[arg-type]
    x = torch.randn(1, 8, *size, dtype=torch.float64, requires_grad=True)
    layer.compress(x).sum().backward()
    assert x.grad is not None
    assert (x.grad != 0).all()


def test_a_crop_looks_at_a_corner() -> None:
    """The paper's steps without padding: two thirds of 7x7 pixels are never seen."""
    layer = WaveletChannelAttention(8, fit="crop", seed=0).double()
    x = torch.randn(1, 8, 7, 7, dtype=torch.float64, requires_grad=True)
    layer.compress(x).sum().backward()
    assert x.grad is not None
    assert (x.grad[..., :4, :4] != 0).all()
    assert (x.grad != 0).sum() == 8 * 16


def test_wavelet_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="fit must be one of pad, pool, crop, got 'stretch'"):
        WaveletChannelAttention(8, fit="stretch")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="norm must be one of raw, average, got 'max'"):
        WaveletChannelAttention(8, norm="max")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="a window of 8 needs fit pad, got 'crop'"):
        WaveletChannelAttention(8, fit="crop", window=8)
    with pytest.raises(ConfigError, match="levels must be 1 or 2, got 3"):
        WaveletBandAttention(8, levels=3)


def test_the_published_count_of_resnet_34() -> None:
    """21,954,856 with the attention in 3, 4, 6 and 3 blocks of 64 to 512 channels."""
    blocks = {64: 3, 128: 4, 256: 6, 512: 3}
    added = sum(
        count * sum(p.numel() for p in WaveletChannelAttention(width).parameters())
        for width, count in blocks.items()
    )
    resnet_34 = 21_797_672
    assert resnet_34 + added == 21_954_856


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("size", [(28, 28), (61, 48), (7, 7), (1, 1)])
def test_open_gates_give_the_features_back(levels: int, size: tuple[int, int]) -> None:
    layer = WaveletBandAttention(8, levels=levels)
    for name, parameter in layer.named_parameters():
        # A sigmoid of 100 is 1.
        torch.nn.init.constant_(parameter, 100.0 if name.endswith("excite.bias") else 0.0)
    x = torch.randn(2, 8, *size)
    torch.testing.assert_close(layer(x), x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("levels", [1, 2])
def test_each_band_of_pywavelets_is_gated_by_its_own_means(levels: int) -> None:
    layer = randomised(WaveletBandAttention(4, levels=levels)).double()
    assert len(layer.details) + 1 == 3 * levels + 1
    x = torch.randn(1, 4, 30, 22, dtype=torch.float64)

    def gated(gate: torch.nn.Module, band: object) -> object:
        assert isinstance(gate, SqueezeExcitation)
        tensor = torch.tensor(band)
        summary = tensor.mean((2, 3), keepdim=True)
        return (tensor * gate.gate(summary)).detach().numpy()

    bands = pywt.wavedec2(x.numpy(), "db3", mode="symmetric", level=levels)
    gates = list(layer.details)
    weighed = [gated(layer.approximation, bands[0])]
    for level, details in enumerate(bands[1:]):
        first = 3 * (levels - 1 - level)  # PyWavelets lists the coarsest details first
        weighed.append(tuple(gated(gates[first + i], details[i]) for i in range(3)))
    expected = torch.from_numpy(pywt.waverec2(weighed, "db3", mode="symmetric"))
    torch.testing.assert_close(layer(x), expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize("window", [3, 12, 14])
def test_two_levels_see_as_far_as_they_say(window: int) -> None:
    layer = randomised(WaveletBandAttention(16, levels=2, window=window))
    halved, quartered = max(window // 2, 1), max(window // 4, 1)
    assert [gate.window for gate in layer.details] == [halved] * 3 + [quartered] * 3
    assert layer.approximation.window == quartered
    assert layer.size_multiple == 4
    assert_states_its_receptive_field(layer, 16)
    assert_tiles_are_exact(layer, 16)
