"""What every entrance must do: lead in, lead back, and say truly what it needs."""

import pytest
import torch

from srkit.errors import ConfigError
from srkit.layers.entrances import ENTRANCES, Entrance, create_entrance


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


def test_leaving_undoes_the_shrinking(entrance: Entrance) -> None:
    image = torch.rand(1, 3, 9, 7)
    back = entrance.leave(entrance(image), (9, 7))
    torch.testing.assert_close(back, entrance.convolution(image), atol=1e-6, rtol=1e-5)


def test_the_haar_entrance_refuses_a_width_it_cannot_split() -> None:
    with pytest.raises(ConfigError, match=r"multiple of 4 .* got 18"):
        create_entrance("haar", 3, 18)
