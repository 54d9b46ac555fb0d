"""What every entrance must do: lead in, lead back, and say truly what it needs."""

import pytest
import torch
from torch import Tensor

from srkit.errors import ConfigError
from srkit.layers.entrances import ENTRANCES, create_entrance
from srkit.layers.entrances.entrance import Entrance

from .layer_making import assert_passes_gradients


@pytest.fixture(params=ENTRANCES)
def entrance(request: pytest.FixtureRequest) -> Entrance:
    torch.manual_seed(0)
    return create_entrance(request.param, 3, 16)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (7, 5), (32, 33)])
def test_leads_in_and_back_at_any_size(entrance: Entrance, size: tuple[int, int]) -> None:
    features = entrance(torch.rand(2, 3, *size))
    shrunk = tuple(-(-side // entrance.stride) for side in size)
    assert features.shape == (2, 16, *shrunk)
    assert entrance.leave(features, size).shape == (2, entrance.exit_features, *size)


def _passed(entrance: Entrance, image: Tensor) -> Tensor:
    return entrance.leave(entrance(image), (image.shape[-2], image.shape[-1]))


def test_does_not_mix_images_of_a_batch(entrance: Entrance) -> None:
    images = torch.rand(3, 3, 7, 5)
    torch.testing.assert_close(_passed(entrance, images)[1:2], _passed(entrance, images[1:2]))


def test_passes_gradients_to_its_input_and_every_parameter(entrance: Entrance) -> None:
    assert_passes_gradients(entrance, torch.rand(2, 3, 6, 6, requires_grad=True))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_is_finite_on_flat_images(entrance: Entrance, value: float) -> None:
    assert _passed(entrance, torch.full((1, 3, 7, 5), value)).isfinite().all()


def test_remembers_all_of_itself(entrance: Entrance, request: pytest.FixtureRequest) -> None:
    again = create_entrance(request.node.callspec.params["entrance"], 3, 16)
    again.load_state_dict(entrance.state_dict())
    image = torch.rand(1, 3, 5, 6)
    torch.testing.assert_close(again(image), entrance(image), atol=0, rtol=0)


def test_leaving_undoes_the_shrinking(entrance: Entrance) -> None:
    image = torch.rand(1, 3, 9, 7)
    back = entrance.leave(entrance(image), (9, 7))
    torch.testing.assert_close(
        back, entrance.get_submodule("convolution")(image), atol=1e-6, rtol=1e-5
    )


def test_states_its_receptive_field(entrance: Entrance) -> None:
    entrance = entrance.double()
    image = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    gains_C11 = torch.linspace(0.5, 2, 16, dtype=torch.float64)[:, None, None]
    measured = 0
    for at in (8, 9):  # both places in a 2x2 block
        touched = image.clone()
        touched[..., at, at] += 1
        # A body that changes the channels, so that leaving cannot undo entering.
        mixed = [entrance.leave(entrance(x) * gains_C11, (16, 16)) for x in (image, touched)]
        changed = (mixed[0] - mixed[1]).abs().sum(dim=(0, 1)) > 1e-12
        measured = max(measured, int((changed.any(dim=1).nonzero() - at).abs().max()))
    assert measured == entrance.receptive_field


def test_the_haar_entrance_refuses_a_width_it_cannot_split() -> None:
    with pytest.raises(ConfigError, match=r"multiple of 4 .* got 18"):
        create_entrance("haar", 3, 18)
