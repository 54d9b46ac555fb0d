"""What every stage must do, with every block in one form and one block in every form."""

import itertools

import pytest
import torch

from srkit.errors import ConfigError
from srkit.layers.attention.none import NoAttention
from srkit.layers.attention.squeeze_excitation import SqueezeExcitation
from srkit.layers.blocks import BLOCKS
from srkit.layers.blocks.residual import ResidualBlock
from srkit.layers.layer import Layer
from srkit.layers.stages import STAGES, create_stage

from .layer_making import (
    assert_passes_gradients,
    assert_states_its_receptive_field,
    assert_tiles_are_exact,
    randomised,
)

FEATURES, COUNT, WINDOW = 16, 3, 8
Case = tuple[str, str, str, int | None]
FORMS: list[Case] = list(itertools.product(STAGES, ("residual",), ("none", "eca"), (None, WINDOW)))
CASES: dict[Case, None] = dict.fromkeys(
    (*FORMS, *itertools.product(STAGES, BLOCKS, ("none",), (WINDOW,)))
)


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)))
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


@pytest.fixture
def stage(case: Case) -> Layer:
    return _built(case)


def _built(case: Case, *, window: int | None = None) -> Layer:
    torch.manual_seed(0)
    name, block, attention, given = case
    return randomised(
        create_stage(name, block, FEATURES, attention, count=COUNT, window=window or given)
    )


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 33)])
def test_keeps_the_shape(stage: Layer, size: tuple[int, int]) -> None:
    x = torch.randn(2, FEATURES, *size)
    assert stage(x).shape == x.shape


def test_does_not_mix_images_of_a_batch(stage: Layer) -> None:
    x = torch.randn(3, FEATURES, 9, 8)
    torch.testing.assert_close(stage(x)[1:2], stage(x[1:2]), atol=5e-5, rtol=1e-4)


def test_passes_gradients_to_its_input_and_every_parameter(stage: Layer) -> None:
    x = torch.randn(8, FEATURES, 9, 8, requires_grad=True)
    assert_passes_gradients(stage, x)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_maps(stage: Layer, value: float) -> None:
    assert stage(torch.full((1, FEATURES, 6, 9), value)).isfinite().all()


@pytest.mark.parametrize("case", FORMS, ids=str, indirect=True)
def test_states_its_receptive_field(stage: Layer) -> None:
    assert_states_its_receptive_field(stage, FEATURES)


@pytest.mark.parametrize("case", [case for case in CASES if case[3]], ids=str, indirect=True)
def test_with_a_window_a_tile_gives_what_the_image_does(stage: Layer) -> None:
    assert_tiles_are_exact(stage, FEATURES)


@pytest.mark.parametrize("case", [case for case in FORMS if not case[3]], ids=str, indirect=True)
def test_a_window_over_the_image_changes_nothing(case: Case) -> None:
    x = torch.randn(2, FEATURES, 9, 13)
    torch.testing.assert_close(_built(case, window=32)(x), _built(case)(x), atol=1e-4, rtol=1e-4)


def test_remembers_all_of_itself(stage: Layer, case: Case) -> None:
    name, block, attention, window = case
    again = create_stage(name, block, FEATURES, attention, count=COUNT, window=window).eval()
    again.load_state_dict(stage.state_dict())
    x = torch.randn(1, FEATURES, 5, 6)
    torch.testing.assert_close(again(x), stage(x), atol=0, rtol=0)


def test_an_unknown_stage_gets_the_choices_and_the_nearest() -> None:
    with pytest.raises(ConfigError, match="plain, sda, g_ghost") as caught:
        create_stage("plane", "residual", FEATURES, "none", count=1)
    assert caught.value.hint == "did you mean 'plain'?"


@pytest.mark.parametrize("name", STAGES)
def test_builds_as_many_blocks_as_it_is_told(name: str) -> None:
    stage = create_stage(name, "residual", FEATURES, "none", count=5)
    assert sum(hasattr(part, "attend") for part in stage.modules()) == 5


@pytest.mark.parametrize("name", STAGES)
def test_gives_each_block_the_attention_meant_for_it(name: str) -> None:
    stage = create_stage(name, "residual", FEATURES, "se", count=5, every=2)
    attentions = [type(part.attend) for part in stage.modules() if isinstance(part, ResidualBlock)]
    assert attentions == [NoAttention, SqueezeExcitation] * 2 + [NoAttention]


def test_a_plain_stage_runs_one_block_after_the_other() -> None:
    torch.manual_seed(0)
    stage = create_stage("plain", "residual", FEATURES, "none", count=2)
    first, second = stage.children()
    x = torch.randn(1, FEATURES, 5, 5)
    torch.testing.assert_close(stage(x), second(first(x)), atol=0, rtol=0)
