"""What every block must do: with no attention, one of the whole image and one of a window."""

import itertools

import pytest
import torch

from srkit.errors import ConfigError
from srkit.layers.attention import ATTENTION
from srkit.layers.blocks import BLOCKS, create_block
from srkit.layers.layer import Layer

FEATURES = 64
WINDOW = 8
# Every attention stands in the residual block, every block around a few: the product is too large.
CASES = dict.fromkeys(
    [
        *itertools.product(BLOCKS, ("none", "eca"), (None, WINDOW)),
        *itertools.product(("residual",), ATTENTION, (None, WINDOW)),
    ]
)
Case = tuple[str, str, int | None]


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)))
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


@pytest.fixture
def block(case: Case) -> Layer:
    return _built(case)


def _built(case: Case, *, window: int | None = None) -> Layer:
    """Build a block and move its parameters, so that none stands where it would do nothing."""
    torch.manual_seed(0)
    kind, attention, given = case
    built = create_block(kind, FEATURES, attention, window=window or given).eval()
    for name, parameter in built.named_parameters():
        parameter.data += torch.randn_like(parameter) / max(4, parameter[0].numel()) ** 0.5
        if name.endswith("bias"):
            parameter.data.abs_().add_(0.5)  # no hidden unit may be dead by chance
    return built


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 33)])
def test_keeps_the_shape(block: Layer, size: tuple[int, int]) -> None:
    x = torch.randn(2, FEATURES, *size)
    assert block(x).shape == x.shape


def test_does_not_mix_images_of_a_batch(block: Layer) -> None:
    x = torch.randn(3, FEATURES, 9, 8)
    torch.testing.assert_close(block(x)[1:2], block(x[1:2]), atol=1e-5, rtol=1e-5)


def test_passes_gradients_to_its_input_and_every_parameter(block: Layer) -> None:
    # Eight images: with a hidden ReLU of few units, one image alone may leave them all at zero.
    x = torch.randn(8, FEATURES, 9, 8, requires_grad=True)
    block(x).square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    for name, parameter in block.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_maps(block: Layer, value: float) -> None:
    assert block(torch.full((1, FEATURES, 6, 9), value)).isfinite().all()


def test_states_its_receptive_field(block: Layer) -> None:
    """Touch a pixel at every phase of the grid and see how far the change goes."""
    block = block.double()
    declared, multiple = block.receptive_field, block.size_multiple
    # The receptive field reaches to no border, and neither does the last, cut cell of a grid.
    side = 21 if declared is None else 2 * (declared + multiple) + 3
    at = side // 2 // multiple * multiple
    x = torch.randn(1, FEATURES, side, side, dtype=torch.float64)
    with torch.no_grad():
        before = block(x)
        measured = 0
        for phase in range(multiple):
            row = at + phase
            touched = x.clone()
            # Not the same in all channels, which a normalisation would take off again.
            touched[..., row, row] += torch.randn(FEATURES, dtype=torch.float64)
            changed = (block(touched) - before).abs().sum(dim=(0, 1)) > 1e-11
            measured = max(measured, int((changed.any(dim=1).nonzero() - row).abs().max()))
    assert measured == (max(at + multiple - 1, side - 1 - at) if declared is None else declared)


@pytest.mark.parametrize("case", [case for case in CASES if case[2]], ids=str, indirect=True)
def test_with_a_window_a_tile_gives_what_the_image_does(block: Layer) -> None:
    block, multiple = block.double(), block.size_multiple
    assert block.receptive_field is not None
    halo = -(-block.receptive_field // multiple) * multiple
    start, core = multiple, 2 * multiple
    x = torch.randn(1, FEATURES, start + core + 2 * halo + 3, core + 5, dtype=torch.float64)
    with torch.no_grad():
        whole, tile = block(x), block(x[..., start : start + core + 2 * halo, :])
    expected = whole[..., start + halo : start + halo + core, :]
    torch.testing.assert_close(tile[..., halo : halo + core, :], expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("case", [case for case in CASES if not case[2]], ids=str, indirect=True)
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
