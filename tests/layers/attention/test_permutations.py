"""Who notices where a pixel is: not what only counts pixels, but what has a grid or a kernel."""

import pytest
import torch

from srkit.layers.attention import create_attention

from ..layer_making import randomised

BLIND = {"none", "se", "eca", "gc", "srm", "gct", "soca", "simam", "non_local"}
SEEING = {"fca", "wavenet_c", "wavelet_bands", "cbam", "cat", "triplet", "coordinate", "strip"}


@pytest.mark.parametrize("name", sorted(BLIND | SEEING))
def test_shuffled_pixels(name: str) -> None:
    attention = randomised(create_attention(name, 64)).double()
    # Several images: in one alone, all hidden units may be dead.
    x = torch.randn(8, 64, 8, 8, dtype=torch.float64)
    order = torch.randperm(64)

    def shuffled(map_BCHW: torch.Tensor) -> torch.Tensor:
        return map_BCHW.flatten(2)[:, :, order].unflatten(2, (8, 8))

    with torch.no_grad():
        difference = (attention(shuffled(x)) - shuffled(attention(x))).abs().max()
    assert (difference < 1e-9) == (name in BLIND)
