"""A network with any attention in windows is computed in tiles as it is whole."""

from collections.abc import Callable

import pytest
import torch

from srkit.inference.upscaler import upscale_tensor
from srkit.layers.attention import ATTENTION
from srkit.models import build_model
from srkit.models.model import Model

# Two cells of 8, with half a cell around each: what works on a grid has neighbours.
WINDOW = 16


def network(attention: str, window: int | None) -> Model:
    torch.manual_seed(0)
    settings = {
        "features": 16,
        "blocks": 2,
        "scale": 2,
        "attention": attention,
        "attention_window": window,
    }
    model = build_model("sr_network", settings).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


@pytest.mark.promise
@pytest.mark.parametrize("name", ATTENTION)
def test_tiled_equals_untiled(name: str) -> None:
    model = network(name, WINDOW)
    assert model.receptive_field is not None
    # Wider than a tile with the widest halo.
    image = torch.rand(1, 3, 35, 230)
    tiled, whole = (upscale_tensor(model, image, tile=tile) for tile in (32, 0))
    assert (tiled - whole).abs().max() <= 1e-5
    # Without a halo tiles are another image, unless each pixel is by itself.
    cut = upscale_tensor(model, image[..., :32, :32], tile=0)
    assert (cut - whole[..., :64, :64]).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["se", "gc", "cbam", "cat", "simam", "non_local"])
def test_of_the_whole_image_tiles_are_another_image(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    """What pools a tile instead of the image changes the result; how much is in the test report."""
    image = torch.linspace(0, 1, 120).expand(1, 3, 24, -1) * torch.rand(1, 3, 24, 120)
    gaps = {}
    for window in (None, WINDOW):
        model = network(name, window)
        tiled, whole = (upscale_tensor(model, image, tile=tile) for tile in (32, 0))
        gaps[window] = float(-10 * ((tiled - whole).square().mean() + 1e-15).log10())
    record_property("PSNR between tiled and whole, dB", round(gaps[None], 1))
    assert gaps[None] < 80
    assert gaps[WINDOW] > 100
