"""The G-Ghost stage against its formula."""

from typing import Any

import pytest
import torch

from srkit.errors import ConfigError
from srkit.layers.blocks.residual import ResidualBlock
from srkit.layers.stages.g_ghost import GGhostStage, g_ghost_stage

from .layer_making import randomised

FEATURES, RAW = 12, 8


def _stage(between: int) -> GGhostStage:
    return randomised(
        GGhostStage(
            ResidualBlock(FEATURES, "none"),
            [ResidualBlock(RAW, "none") for _ in range(between)],
            ResidualBlock(FEATURES, "none"),
            features=FEATURES,
            raw=RAW,
            norm="bn",
            slope=0,
        )
    )


@pytest.mark.parametrize("between", [1, 3])
def test_equals_the_formula(between: int) -> None:
    stage = _stage(between)
    x = torch.randn(2, FEATURES, 6, 5)
    base = stage.first(x)
    raw, seen = base[:, :RAW], [base]
    for block in stage.between:
        raw = block(raw)
        seen.append(raw)
    means = [maps.sum(dim=(2, 3), keepdim=True) / 30 for maps in seen]
    mix: Any = stage.mix
    (hidden, hidden_norm, _), (out, out_norm) = mix
    mixed = out_norm(out(hidden_norm(hidden(torch.cat(means, dim=1))).relu()))
    cheap, cheap_norm = stage.cheap
    ghost = (cheap_norm(cheap(base[:, RAW:])) + mixed).relu()
    expected = stage.last(torch.cat((raw, ghost), dim=1))
    torch.testing.assert_close(stage(x), expected, atol=1e-5, rtol=1e-5)


def test_without_its_mixture_the_ghost_half_is_a_pixelwise_convolution() -> None:
    stage = _stage(1)
    mix: Any = stage.mix
    out_norm = mix[1][1]
    out_norm.weight.data.zero_()
    out_norm.bias.data.zero_()
    x = torch.randn(1, FEATURES, 4, 4)
    base = stage.first(x)
    ghost = stage.cheap(base[:, RAW:]).relu()
    expected = stage.last(torch.cat((stage.between[0](base[:, :RAW]), ghost), dim=1))
    torch.testing.assert_close(stage(x), expected, atol=1e-6, rtol=1e-6)


def test_it_costs_about_half_of_a_plain_stage() -> None:
    def weights(stage: torch.nn.Module) -> int:
        return sum(parameter.numel() for parameter in stage.parameters())

    ghost = g_ghost_stage("residual", 64, ["none"] * 10)
    assert weights(ghost) < 0.5 * 10 * weights(ResidualBlock(64, "none"))


@pytest.mark.parametrize(("features", "count"), [(16, 2), (1, 3)])
def test_what_cannot_be_built_is_refused(features: int, count: int) -> None:
    with pytest.raises(ConfigError, match=f"got {count} and {features}") as caught:
        g_ghost_stage("residual", features, ["none"] * count)
    assert caught.value.hint == "stage plain takes any number"
