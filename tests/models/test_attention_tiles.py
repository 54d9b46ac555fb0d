"""A network with any attention in windows is computed in tiles as it is whole."""

import pytest
import torch

from srkit.inference.upscaler import upscale_tensor
from srkit.layers.attention import ATTENTION
from srkit.models import build_model

# Two cells of 8, with half a cell around each: what works on a grid has neighbours.
WINDOW = 16


@pytest.mark.promise
@pytest.mark.parametrize("name", ATTENTION)
def test_tiled_equals_untiled(name: str) -> None:
    torch.manual_seed(0)
    settings = {
        "features": 16,
        "blocks": 2,
        "scale": 2,
        "attention": name,
        "attention_window": WINDOW,
    }
    model = build_model("sr_network", settings).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    assert model.receptive_field is not None
    # Wider than a tile with the widest halo.
    image = torch.rand(1, 3, 35, 230)
    tiled, whole = (upscale_tensor(model, image, tile=tile) for tile in (32, 0))
    assert (tiled - whole).abs().max() <= 1e-5
    # Without a halo tiles are another image, unless each pixel is by itself.
    cut = upscale_tensor(model, image[..., :32, :32], tile=0)
    assert (cut - whole[..., :64, :64]).abs().max() > 1e-4
