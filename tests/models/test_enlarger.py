"""What is done around a network for images, and not for training patches."""

from typing import Any

import pytest
import torch

from srkit.errors import ConfigError
from srkit.models import build_model

SMALL: dict[str, Any] = {"features": 8, "blocks": 1, "entrance": "plain"}
NETWORKS = [("sr_network", SMALL | {"scale": 4}), ("lpsr", SMALL | {"scale": 4, "lpae_hidden": 4})]


@pytest.mark.parametrize(("name", "settings"), NETWORKS)
def test_keeps_flat_colours_beside_a_hard_edge_only_when_it_enlarges(
    name: str, settings: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    network = build_model(name, settings | {"antiring": 1.0})
    plain = build_model(name, settings)
    plain.load_state_dict(network.state_dict())
    lr = torch.zeros(1, 3, 12, 12)
    lr[..., 6:] = 1.0
    assert torch.equal(network.train()(lr), plain.train()(lr))
    free, clamped = plain.eval()(lr), network.eval()(lr)
    assert not free[..., :20].eq(0).all()
    assert clamped[..., :22].eq(0).all()
    assert clamped[..., 26:].eq(1).all()
    assert torch.equal(clamped[..., 22:26], free[..., 22:26].clamp(-1, 2))


@pytest.mark.parametrize(("name", "settings"), NETWORKS)
@pytest.mark.parametrize(("setting", "value"), [("border", -1), ("antiring", -0.5)])
def test_refuses_numbers_below_zero(
    name: str, settings: dict[str, Any], setting: str, value: float
) -> None:
    with pytest.raises(ConfigError, match=f"{setting} must be a number from 0 on, got {value}"):
        build_model(name, settings | {setting: value})


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_refuses_a_room_that_is_no_number(value: str) -> None:
    with pytest.raises(ConfigError, match=f"antiring must be a number from 0 on, got {value}"):
        build_model("sr_network", SMALL | {"antiring": float(value)})
