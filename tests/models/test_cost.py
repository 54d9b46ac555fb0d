"""What a network costs, against counts by hand."""

import pytest

from srkit.models import build_model
from srkit.models.cost import multiply_adds


def test_convolutions_count_their_kernels() -> None:
    network = build_model(
        "sr_network",
        {"scale": 2, "features": 8, "blocks": 1, "entrance": "plain", "block": "convolution"},
    )
    # From 3 to 8, from 8 to 8, from 8 to the 12 that become 2x2 pixels of 3 channels.
    assert multiply_adds(network) == 9 * (3 * 8 + 8 * 8 + 8 * 12)


@pytest.mark.parametrize("side", [16, 32])
def test_attention_counts_its_products(side: int) -> None:
    """Every pixel is compared with every other: twice as many products with twice the pixels."""
    settings = {"scale": 2, "features": 16, "blocks": 1, "entrance": "plain", "block": "residual"}
    plain = build_model("sr_network", settings)
    attentive = build_model("sr_network", settings | {"attention": "non_local"})
    own = multiply_adds(attentive, side=side) - multiply_adds(plain, side=side)
    half = 16 // 2  # queries, keys and values have half of the channels
    assert own == 4 * 16 * half + 2 * half * side**2
