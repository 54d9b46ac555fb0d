"""With an `attention_window` every body can be computed in tiles, whatever it is made of."""

from typing import Any

import pytest
import torch

from srkit.errors import ConfigError
from srkit.inference.upscaler import upscale_tensor
from srkit.layers.blocks import BLOCKS
from srkit.layers.entrances import ENTRANCES
from srkit.layers.stages import STAGES
from srkit.models import build_model
from srkit.models.model import Model

WINDOW = 8
SETTINGS: dict[str, dict[str, Any]] = {
    **{f"block-{name}": {"block": name} for name in BLOCKS},
    **{f"stage-{name}": {"stage": name, "blocks": 3} for name in STAGES},
    **{f"entrance-{name}": {"entrance": name, "block": "cmt"} for name in ENTRANCES},
}


def _network(model: str, **settings: Any) -> Model:
    torch.manual_seed(0)
    small = {"features": 16, "blocks": 1, "scale": 2, "attention": "se", "attention_window": WINDOW}
    built = build_model(model, {**small, **settings}).eval()
    for parameter in built.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return built


@pytest.mark.promise
@pytest.mark.parametrize("name", SETTINGS)
def test_tiled_equals_untiled(name: str) -> None:
    model = _network("sr_network", **SETTINGS[name])
    assert model.receptive_field is not None
    image = torch.rand(1, 3, 61, 94)
    tiled, whole = (upscale_tensor(model, image, tile=tile) for tile in (16, 0))
    assert (tiled - whole).abs().max() <= 1e-5


@pytest.mark.promise
def test_lpsr_tiled_equals_untiled() -> None:
    model = _network("lpsr", block="halo", stage="sda", blocks=2)
    image = torch.rand(1, 3, 61, 94)
    tiled, whole = (upscale_tensor(model, image, tile=16), upscale_tensor(model, image, tile=0))
    assert (tiled - whole).abs().max() <= 1e-5


@pytest.mark.parametrize("model", ["sr_network", "lpsr"])
def test_a_window_below_one_is_refused(model: str) -> None:
    with pytest.raises(ConfigError, match="attention_window must be at least 1, got 0"):
        build_model(model, {"attention_window": 0})


def test_a_window_that_does_not_fit_the_blocks_grid_is_refused() -> None:
    with pytest.raises(ConfigError, match="window must be a multiple of 2"):
        build_model("sr_network", {"block": "cmt", "attention_window": 7})
