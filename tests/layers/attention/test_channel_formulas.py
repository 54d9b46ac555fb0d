"""Channel mechanisms against their papers' formulas, written out."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.fft import dctn
from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.attention.efficient_channel import EfficientChannelAttention
from srkit.layers.attention.frequency_channel import BEST_FREQUENCIES, FrequencyChannelAttention
from srkit.layers.attention.gated_channel import GatedChannelTransformation
from srkit.layers.attention.global_context import GlobalContext
from srkit.layers.attention.non_local import NonLocalAttention
from srkit.layers.attention.second_order import SecondOrderAttention, square_root
from srkit.layers.attention.simple import SimpleAttention
from srkit.layers.attention.style_recalibration import StyleRecalibration

from ..layer_making import randomised

SIZE = (6, 5)


@pytest.fixture
def x() -> Tensor:
    """Give features of (B, C, H, W)."""
    torch.manual_seed(3)
    return torch.randn(2, 16, *SIZE, dtype=torch.float64)


def two_layers(gate: torch.nn.Module, summary: Tensor) -> Tensor:
    """Give the gates of one image from the summaries of its channels, by matrix products."""
    weights = {
        name: value.flatten(1)
        for name, value in gate.state_dict().items()
        if name.endswith("weight")
    }
    biases = {name: value for name, value in gate.state_dict().items() if name.endswith("bias")}
    hidden = weights["squeeze.weight"] @ summary + biases.get("squeeze.bias", 0)
    made = weights["excite.weight"] @ hidden.clamp(min=0) + biases.get("excite.bias", 0)
    return 1 / (1 + (-made).exp())


@torch.no_grad()
def test_efficient_channel_without_sharing(x: Tensor) -> None:
    layer = randomised(EfficientChannelAttention(16, kernel_size=5, shared=False)).double()
    assert layer.mix.weight.shape == (16, 1, 5)
    for image, made in zip(x, layer(x), strict=True):
        for channel in range(16):
            logit = 0.0
            for tap in range(5):
                neighbour = channel + tap - 2
                if 0 <= neighbour < 16:
                    logit += float(layer.mix.weight[channel, 0, tap] * image[neighbour].mean())
            expected = image[channel] / (1 + math.exp(-logit))
            torch.testing.assert_close(made[channel], expected)


def test_efficient_channel_without_sharing_equals_the_shared_form_of_equal_taps() -> None:
    shared = EfficientChannelAttention(16)
    apart = EfficientChannelAttention(16, shared=False)
    apart.mix.weight.data.copy_(shared.mix.weight.data.expand(16, -1, -1))
    x = torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(apart(x), shared(x))


def test_global_context_is_non_local_attention_that_asks_the_same_everywhere() -> None:
    """A query that does not depend on the position gives the same answer at each: the context."""
    other = NonLocalAttention(16, reduction=1).double()
    context = GlobalContext(16).double()
    assert context.look is not None
    other.query.weight.data.zero_()
    assert other.query.bias is not None
    # The question, put to the keys, is what the context block looks with.
    context.look.weight.data = (other.query.bias @ other.key.weight.flatten(1))[None, :, None, None]
    for layer in (other.value, other.leave):
        layer.weight.data = torch.eye(16).double()[:, :, None, None]
        assert layer.bias is not None
        layer.bias.data.zero_()
    x = torch.randn(2, 16, *SIZE, dtype=torch.float64)
    answers = other(x) - x
    torch.testing.assert_close(answers, context.context(x).expand_as(x))


def test_style_recalibration(x: Tensor) -> None:
    layer = randomised(StyleRecalibration(16, norm="bn")).double()
    bn = layer.norm
    assert isinstance(bn, torch.nn.BatchNorm2d)
    assert bn.running_mean is not None
    assert bn.running_var is not None
    for image, made in zip(x, layer(x), strict=True):
        for c in range(16):
            mean = image[c].mean()
            deviation = ((image[c] - mean).square().mean() + 1e-5).sqrt()
            style = layer.of_mean[c, 0, 0] * mean + layer.of_deviation[c, 0, 0] * deviation
            normal = (style - bn.running_mean[c]) / (bn.running_var[c] + bn.eps).sqrt()
            logit = normal * bn.weight[c] + bn.bias[c]
            torch.testing.assert_close(made[c], image[c] / (1 + (-logit).exp()))


def test_gated_channel_transformation(x: Tensor) -> None:
    layer = randomised(GatedChannelTransformation(16)).double()
    for image, made in zip(x, layer(x), strict=True):
        energy = torch.stack(
            [layer.embed[c, 0, 0] * (image[c].square().sum() + 1e-5).sqrt() for c in range(16)]
        )
        norm = (energy.square().sum() / 16 + 1e-5).sqrt()
        for c in range(16):
            gate = 1 + torch.tanh(layer.gain[c, 0, 0] * energy[c] / norm + layer.bias[c, 0, 0])
            torch.testing.assert_close(made[c], image[c] * gate)


@pytest.mark.parametrize("image", [(14, 14), (9, 23), (5, 3), (56, 14)])
def test_frequency_channel_attention(image: tuple[int, int]) -> None:
    """Each group's channel is one coefficient of scipy's orthonormal transform of 7x7 cells."""
    layer = randomised(FrequencyChannelAttention(32)).double()
    x = torch.randn(2, 32, *image, dtype=torch.float64)
    cells = F.adaptive_avg_pool2d(x, 7).numpy()
    spectrum = dctn(cells, axes=(2, 3), norm="ortho")
    for one, (whole, made) in enumerate(zip(x, layer(x), strict=True)):
        summary = torch.tensor(
            np.array([spectrum[one, c][BEST_FREQUENCIES[c // 2]] for c in range(32)])
        )
        expected = whole * two_layers(layer.gate, summary)[:, None, None]
        torch.testing.assert_close(made, expected)


def test_a_finer_grid_has_frequencies_so_many_times_higher() -> None:
    layer = FrequencyChannelAttention(16, grid=14).double()
    x = torch.randn(1, 16, 14, 14, dtype=torch.float64)
    spectrum = dctn(x.numpy(), axes=(2, 3), norm="ortho")
    for channel, (row, column) in enumerate(BEST_FREQUENCIES):
        expected = spectrum[0, channel, 2 * row, 2 * column]
        assert layer.spectrum(x)[0, channel].item() == pytest.approx(expected, abs=1e-9)


def test_the_lowest_frequency_alone_is_the_mean_up_to_scale() -> None:
    x = torch.randn(2, 16, 14, 14, dtype=torch.float64)
    lowest = FrequencyChannelAttention(16, frequencies=1).double().spectrum(x)
    torch.testing.assert_close(lowest, 7 * x.mean((2, 3), keepdim=True))


def test_fewer_frequencies_where_sixteen_do_not_divide_the_channels() -> None:
    assert FrequencyChannelAttention(24).frequencies == [
        BEST_FREQUENCIES[channel // 3] for channel in range(24)
    ]
    with pytest.raises(ConfigError, match="grid must be a multiple of 7, got 10"):
        FrequencyChannelAttention(16, grid=10)
    with pytest.raises(ConfigError, match="frequencies must be from 1 to 16, got 17"):
        FrequencyChannelAttention(16, frequencies=17)


def test_second_order_attention(x: Tensor) -> None:
    """The Newton-Schulz iteration written out, on numpy's covariance."""
    layer = randomised(SecondOrderAttention(16, reduction=4)).double()
    for image, made in zip(x, layer(x), strict=True):
        covariance = np.cov(image.flatten(1).numpy(), bias=True)
        trace = np.trace(covariance) + 1e-5
        root, inverse = covariance / trace, np.eye(16)
        for _ in range(5):
            root, inverse = (
                0.5 * root @ (3 * np.eye(16) - inverse @ root),
                0.5 * (3 * np.eye(16) - inverse @ root) @ inverse,
            )
        summary = torch.from_numpy(root.mean(0) * np.sqrt(trace))
        expected = image * two_layers(layer.gate, summary)[:, None, None]
        torch.testing.assert_close(made, expected)


def test_enough_iterations_give_the_square_root() -> None:
    values = torch.randn(8, 40, dtype=torch.float64)
    matrix = values @ values.T / 40
    root = square_root(matrix, 25)
    torch.testing.assert_close(root @ root, matrix, atol=1e-5, rtol=1e-5)


def test_simple_attention(x: Tensor) -> None:
    layer = SimpleAttention(16)
    assert list(layer.parameters()) == []
    for image, made in zip(x, layer(x), strict=True):
        for channel in range(16):
            variance = image[channel].var(correction=1)
            apart = (image[channel] - image[channel].mean()).square() / (4 * (variance + 1e-4))
            expected = image[channel] * torch.sigmoid(apart + 0.5)
            torch.testing.assert_close(made[channel], expected)


@pytest.mark.parametrize("option", ["fusion", "pooling"])
def test_global_context_has_no_other_forms(option: str) -> None:
    with pytest.raises(ConfigError, match=f"{option} must be one of .*, got 'max'"):
        GlobalContext(16, **{option: "max"})  # type: ignore[arg-type]
