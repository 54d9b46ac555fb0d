"""What every block must do: with no attention, one of the whole image and one of a window."""

import itertools

import pytest
import torch

from srkit.errors import ConfigError
from srkit.layers.attention import ATTENTION
from srkit.layers.blocks import BLOCKS, create_block
from srkit.layers.layer import Layer

from .layer_making import (
    assert_passes_gradients,
    assert_states_its_receptive_field,
    assert_tiles_are_exact,
    randomised,
)

FEATURES = 64
WINDOW = 8
# Every block around no attention and a pooling one, every attention in the residual block: the
# whole product would be too large. What each attention does is for its own tests to see.
EVERY_BLOCK = list(itertools.product(BLOCKS, ("none", "eca"), (None, WINDOW)))
EVERY_ATTENTION = list(itertools.product(("residual",), ATTENTION, (None, WINDOW)))
CASES = dict.fromkeys((*EVERY_BLOCK, *EVERY_ATTENTION))
Case = tuple[str, str, int | None]


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)))
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


@pytest.fixture
def block(case: Case) -> Layer:
    return _built(case)


def _built(case: Case, *, window: int | None = None) -> Layer:
    torch.manual_seed(0)
    name, attention, given = case
    return randomised(create_block(name, FEATURES, attention, window=window or given))


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 33)])
def test_keeps_the_shape(block: Layer, size: tuple[int, int]) -> None:
    x = torch.randn(2, FEATURES, *size)
    assert block(x).shape == x.shape


def test_does_not_mix_images_of_a_batch(block: Layer) -> None:
    x = torch.randn(3, FEATURES, 9, 8)
    torch.testing.assert_close(block(x)[1:2], block(x[1:2]), atol=5e-5, rtol=1e-4)


def test_passes_gradients_to_its_input_and_every_parameter(block: Layer) -> None:
    # Eight images: with a hidden ReLU of few units, one image alone may leave them all at zero.
    x = torch.randn(8, FEATURES, 9, 8, requires_grad=True)
    assert_passes_gradients(block, x)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_maps(block: Layer, value: float) -> None:
    assert block(torch.full((1, FEATURES, 6, 9), value)).isfinite().all()


@pytest.mark.parametrize("case", EVERY_BLOCK, ids=str, indirect=True)
def test_runs_in_half_precision(block: Layer) -> None:
    x = torch.randn(1, FEATURES, 9, 8)
    with torch.inference_mode():
        expected, halved = block(x), block.bfloat16()(x.bfloat16())
    assert halved.dtype == torch.bfloat16
    assert (halved.float() - expected).abs().max() < 0.1 * expected.abs().max()


@pytest.mark.parametrize("case", EVERY_BLOCK, ids=str, indirect=True)
def test_states_its_receptive_field(block: Layer) -> None:
    assert_states_its_receptive_field(block, FEATURES)


@pytest.mark.parametrize("case", [case for case in CASES if case[2]], ids=str, indirect=True)
def test_with_a_window_a_tile_gives_what_the_image_does(block: Layer) -> None:
    assert_tiles_are_exact(block, FEATURES)


@pytest.mark.parametrize(
    "case", [case for case in EVERY_BLOCK if not case[2]], ids=str, indirect=True
)
def test_a_window_over_the_image_changes_nothing(case: Case) -> None:
    x = torch.randn(2, FEATURES, 9, 13)
    torch.testing.assert_close(_built(case, window=32)(x), _built(case)(x), atol=1e-4, rtol=1e-4)


def test_remembers_all_of_itself(block: Layer, case: Case) -> None:
    again = create_block(case[0], FEATURES, case[1], window=case[2]).eval()
    again.load_state_dict(block.state_dict())
    x = torch.randn(1, FEATURES, 5, 6)
    torch.testing.assert_close(again(x), block(x), atol=0, rtol=0)


def test_an_unknown_block_gets_the_choices_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match="residual, bridge, ghost") as caught:
        create_block("goast", FEATURES, "none")
    assert caught.value.hint == "did you mean 'ghost'?"
