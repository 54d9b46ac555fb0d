"""What every attention mechanism must do, whatever it is, looking at the image or at windows."""

import io
import re
import sys

import pytest
import torch
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention import ATTENTION, create_attention
from srkit.layers.attention.attention import Attention, PoolingAttention

from .layer_making import assert_passes_gradients

CHANNELS = 16
# A small one, an even one of a few cells, and none.
WINDOWS = (None, 3, 12)
FORMS = [
    (name, window)
    for name, mechanism in ATTENTION.items()
    for window in (WINDOWS if issubclass(mechanism, PoolingAttention) else (None,))
]
# Where the survey's own list has them (https://github.com/MenghaoGuo/Awesome-Vision-Attentions).
CATEGORIES = {
    "channel": "se eca gct srm fca soca",
    "spatial": "gc non_local",
    "branch": "dynamic_conv condconv highway sk split",
    "channel and spatial": "cbam coordinate lka simam strip triplet",
}
POOLING = [name for name, mechanism in ATTENTION.items() if issubclass(mechanism, PoolingAttention)]


def built(name: str, window: int | None, channels: int = CHANNELS) -> Attention:
    """Build a mechanism whose parameters are all at work: many start at zero, to be the identity.

    A squeeze to one unit gets positive weights, lest its ReLU lets nothing through.
    """
    torch.manual_seed(0)
    attention = create_attention(name, channels, window=window).eval()
    for title, parameter in attention.named_parameters():
        nn.init.normal_(parameter, std=0.3)
        if "squeeze" in title:
            parameter.data.abs_()
    return attention


@pytest.fixture(params=FORMS, ids=lambda form: f"{form[0]}-{form[1]}")
def attention(request: pytest.FixtureRequest) -> Attention:
    name, window = request.param
    return built(name, window)


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 5), (32, 33)])
def test_keeps_the_shape(attention: Attention, size: tuple[int, int]) -> None:
    x = torch.randn(2, CHANNELS, *size)
    assert attention(x).shape == x.shape
    assert attention(x).isfinite().all()


def test_does_not_mix_images_of_a_batch(attention: Attention) -> None:
    x = torch.randn(3, CHANNELS, 8, 8)
    torch.testing.assert_close(attention(x)[1:2], attention(x[1:2]))


def test_passes_gradients_to_its_input_and_every_parameter(attention: Attention) -> None:
    x = torch.rand(2, CHANNELS, 8, 8, requires_grad=True)
    assert_passes_gradients(attention, x)
    assert x.grad is not None
    assert (x.grad.abs().sum(dim=(0, 1)) > 0).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -30.0])
def test_is_finite_on_flat_maps(attention: Attention, value: float) -> None:
    x = torch.full((1, CHANNELS, 6, 6), value, requires_grad=True)
    made = attention(x)
    made.sum().backward()
    assert made.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_comes_back_from_its_state(attention: Attention) -> None:
    file = io.BytesIO()
    torch.save(attention.state_dict(), file)
    file.seek(0)
    name = next(name for name, kind in ATTENTION.items() if kind is type(attention))
    torch.manual_seed(1)
    other = create_attention(name, CHANNELS, window=getattr(attention, "window", None)).eval()
    other.load_state_dict(torch.load(file, weights_only=True))
    x = torch.randn(1, CHANNELS, 9, 6)
    torch.testing.assert_close(other(x), attention(x), atol=0, rtol=0)


def test_states_its_receptive_field(attention: Attention) -> None:
    attention = attention.double()
    side = 41
    x = torch.rand(1, CHANNELS, side, side, dtype=torch.float64)
    with torch.no_grad():
        before = attention(x)
    measured = 0
    # At the corner and all over a cell of the grid in the middle: its pixels see differently far.
    for at in (0, 7, *range(16, 24)):
        touched = x.clone()
        touched[..., at, at] += 0.5 + torch.rand(CHANNELS)
        with torch.no_grad():
            changed = (attention(touched) - before).abs().amax(dim=(0, 1)) > 1e-12
        places = changed.nonzero() - at
        measured = max(measured, int(places.abs().max()))
    declared = attention.receptive_field
    assert measured == (side - 1 if declared is None else declared)


@pytest.mark.parametrize("name", POOLING)
def test_a_window_that_covers_everything_says_the_same_as_the_image(name: str) -> None:
    whole, local = built(name, None).double(), built(name, 64).double()
    local.load_state_dict(whole.state_dict())
    x = torch.randn(2, CHANNELS, 9, 7, dtype=torch.float64)
    torch.testing.assert_close(local(x), whole(x), atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", ATTENTION)
def test_a_tile_with_its_halo_says_the_same_as_the_image(name: str) -> None:
    attention = built(name, 12)
    halo, grid = attention.receptive_field, attention.size_multiple
    assert halo is not None
    halo = -(-halo // grid) * grid
    x = torch.randn(1, CHANNELS, 64, 56)
    for top, left in ((0, 0), (32, 24), (48, 40)):
        first_row, first_column = max(top - halo, 0), max(left - halo, 0)
        tile = attention(x[..., first_row : top + 16 + halo, first_column : left + 16 + halo])
        part = tile[..., top - first_row :, left - first_column :][..., :16, :16]
        whole = attention(x)[..., top : top + 16, left : left + 16]
        torch.testing.assert_close(part, whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ATTENTION)
def test_the_gain_it_states_is_what_it_starts_with(name: str) -> None:
    gain = ATTENTION[name].gain_at_init
    if gain is None:
        return
    measured: list[Tensor] = []
    x = torch.randn(1, 64, 24, 24)
    for seed in range(8):
        torch.manual_seed(seed)
        with torch.no_grad():
            made = create_attention(name, 64)(x)
        measured.append((made * x).sum() / x.square().sum())
    assert torch.stack(measured).mean().item() == pytest.approx(
        gain, abs=1e-6 if gain == 1 else 0.05
    )


@pytest.mark.parametrize("name", ATTENTION)
def test_works_in_half_precision(name: str) -> None:
    """A window's sums of thousands of pixels do not fit bfloat16's 8 digits."""
    attention = built(name, 12)
    x = torch.randn(1, CHANNELS, 24, 24)
    half = attention.bfloat16()(x.bfloat16())
    assert half.dtype == torch.bfloat16
    expected = attention.float()(x.bfloat16().float())
    assert (half.float() - expected).abs().mean() < 0.05 * expected.abs().mean()


@pytest.mark.parametrize("name", POOLING)
def test_a_window_must_be_positive(name: str) -> None:
    with pytest.raises(ConfigError, match="window must be at least 1, got 0"):
        create_attention(name, CHANNELS, window=0)


@pytest.mark.parametrize("name", ATTENTION)
def test_needs_a_channel(name: str) -> None:
    with pytest.raises(ConfigError, match="channels must be at least 1, got 0"):
        create_attention(name, 0)


@pytest.mark.parametrize("name", [name for name in ATTENTION if name != "none"])
def test_says_where_it_comes_from(name: str) -> None:
    module = sys.modules[ATTENTION[name].__module__]
    assert module.__doc__ is not None
    own = "srkit's own" in module.__doc__
    assert own or re.search(r"\"[^\"]+\"[^\"]+\bhttps://", module.__doc__), module.__doc__


def test_an_unknown_name_gets_the_choices_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match="none, se, eca") as caught:
        create_attention("ecaa", 16)
    assert caught.value.hint == "did you mean 'eca'?"


@pytest.mark.parametrize(("category", "names"), CATEGORIES.items())
def test_stands_in_the_survey_under_its_category(category: str, names: str) -> None:
    for name in names.split():
        assert built(name, None).category == category, name
