"""What every attention over a burst of frames must do; then each against its formula."""

import pytest
import torch
from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.attention import TEMPORAL_ATTENTION, create_temporal_attention
from srkit.layers.attention.attention import Attention, PoolingAttention
from srkit.layers.attention.frame import FrameAttention
from srkit.layers.attention.frame_similarity import FrameSimilarity

from ..layer_making import assert_passes_gradients, randomised

FORMS = [
    (name, window)
    for name, mechanism in TEMPORAL_ATTENTION.items()
    for window in ((None, 5) if issubclass(mechanism, PoolingAttention) else (None,))
]


@pytest.fixture(params=FORMS, ids=lambda form: f"{form[0]}-{form[1]}")
def attention(request: pytest.FixtureRequest) -> Attention:
    name, window = request.param
    return randomised(create_temporal_attention(name, 8, window=window)).double()


def burst(frames: int = 3, height: int = 7, width: int = 6) -> Tensor:
    return torch.rand(2, frames, 8, height, width, dtype=torch.float64)


@pytest.mark.parametrize("frames", [1, 2, 5])
@pytest.mark.parametrize("size", [(1, 1), (7, 6)])
def test_gives_one_map_for_any_number_of_frames(
    attention: Attention, frames: int, size: tuple[int, int]
) -> None:
    made = attention(burst(frames, *size))
    assert made.shape == (2, 8, *size)
    assert made.isfinite().all()


def test_does_not_mix_bursts(attention: Attention) -> None:
    x = burst()
    torch.testing.assert_close(attention(x)[1:], attention(x[1:]))


def test_passes_gradients_to_every_frame_and_parameter(attention: Attention) -> None:
    x = burst().requires_grad_()
    assert_passes_gradients(attention, x)
    assert x.grad is not None
    assert (x.grad.abs().amax(dim=(2, 3, 4)) > 0).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_bursts(attention: Attention, value: float) -> None:
    assert attention(torch.full_like(burst(), value)).isfinite().all()


def test_remembers_all_of_itself(attention: Attention, request: pytest.FixtureRequest) -> None:
    name, window = request.node.callspec.params["attention"]
    again = create_temporal_attention(name, 8, window=window).double().eval()
    again.load_state_dict(attention.state_dict())
    x = burst()
    torch.testing.assert_close(again(x), attention(x), atol=0, rtol=0)


def test_is_temporal_and_states_its_receptive_field(attention: Attention) -> None:
    assert attention.category == "temporal"
    x = burst(3, 15, 15)
    touched = x.clone()
    touched[:, 0, :, 7, 7] += torch.rand(8)
    changed = (attention(touched) - attention(x)).abs().amax((0, 1)) > 1e-12
    measured = int((changed.nonzero() - 7).abs().max())
    assert measured == (7 if attention.receptive_field is None else attention.receptive_field)


def test_frame_weights_are_a_softmax_of_scored_means() -> None:
    layer = randomised(FrameAttention(8)).double()
    x = burst(4)
    weights = layer.weights(x)
    torch.testing.assert_close(weights.sum(1), torch.ones_like(weights[:, 0]))
    scores = torch.stack(
        [layer.score.logits(x[:, t].mean((2, 3), keepdim=True)) for t in range(4)]
    ).exp()
    expected = sum(x[:, t] * scores[t] for t in range(4)) / scores.sum(0)
    torch.testing.assert_close(layer(x), expected)
    turned = layer(x[:, [2, 0, 3, 1]])
    torch.testing.assert_close(turned, layer(x))
    same = x[:, :1].expand(-1, 4, -1, -1, -1)
    torch.testing.assert_close(layer(same), x[:, 0])


def test_a_window_that_covers_the_frames_weighs_as_the_whole() -> None:
    whole = randomised(FrameAttention(8)).double()
    local = FrameAttention(8, window=32).double()
    local.load_state_dict(whole.state_dict())
    x = burst()
    torch.testing.assert_close(local(x), whole(x))


def test_frames_are_weighed_by_their_likeness_to_the_middle_one() -> None:
    layer = randomised(FrameSimilarity(8)).double()
    x = burst(5)
    reference = layer.reference(x[:, 2])
    fused = torch.zeros_like(x[:, 0])
    for t in range(5):
        alike = (layer.candidate(x[:, t]) * reference).sum(1, keepdim=True)
        fused += x[:, t] / (1 + (-alike).exp()) / 5
    torch.testing.assert_close(layer(x), layer.fuse(fused))


def test_an_unknown_name_gets_the_choices() -> None:
    with pytest.raises(ConfigError, match="unknown temporal attention 'se': choose one of frame,"):
        create_temporal_attention("se", 8)
