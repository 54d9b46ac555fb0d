"""Every block, stage, entrance and head exports to ONNX, and says the same there.

They are exported together, because an export takes seconds; its error names the operation.
"""

import pytest
import torch
from torch import Tensor, nn

from srkit.layers.blocks import BLOCKS, create_block
from srkit.layers.entrances import ENTRANCES, create_entrance
from srkit.layers.entrances.entrance import Entrance
from srkit.layers.heads import HEADS, create_head
from srkit.layers.stages import STAGES, create_stage

from .exporting import run_by_onnx
from .layer_making import randomised

FEATURES = 16
SCALE = 4


PLACES = [
    (slot, name, window)
    for slot, family in (("block", BLOCKS), ("stage", STAGES))
    for name in family
    for window in (None, 8)
]


class Bodies(nn.Module):
    """Give what each of all blocks and stages makes of the same features."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            create_block(name, FEATURES, "none", window=window)
            if slot == "block"
            else create_stage(name, "convolution", FEATURES, "none", count=3, window=window)
            for slot, name, window in PLACES
        )

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        return [part(x_BCHW) for part in self.parts]


@pytest.fixture(scope="module")
def bodies() -> list[tuple[Tensor, Tensor]]:
    """Give what torch and what onnxruntime make, for each of PLACES."""
    network = randomised(Bodies())
    x = torch.randn(1, FEATURES, 13, 18)
    return list(zip(network(x), run_by_onnx(network, [x]), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES, ids=lambda place: "-".join(map(str, place)))
def test_every_block_and_stage_exports(
    place: tuple[str, str, int | None], bodies: list[tuple[Tensor, Tensor]]
) -> None:
    expected, made = bodies[PLACES.index(place)]
    torch.testing.assert_close(made, expected, atol=1e-4, rtol=1e-4)


class Ends(nn.Module):
    """Lead an image through every entrance, and features out through every head."""

    def __init__(self) -> None:
        super().__init__()
        self.entrances = nn.ModuleList(create_entrance(name, 3, FEATURES) for name in ENTRANCES)
        self.heads = nn.ModuleList(create_head(name, FEATURES, 3, SCALE) for name in HEADS)

    def forward(self, features_BCHW: Tensor, image_BKHW: Tensor) -> list[Tensor]:
        height, width = image_BKHW.shape[-2:]
        passed = []
        for entrance in self.entrances:
            assert isinstance(entrance, Entrance)
            passed.append(entrance.leave(entrance(image_BKHW), (height, width)))
        return [*passed, *(head(features_BCHW, image_BKHW) for head in self.heads)]


@pytest.mark.slow
def test_every_entrance_and_head_exports() -> None:
    ends = randomised(Ends())
    inputs = torch.randn(1, FEATURES, 7, 6), torch.rand(1, 3, 7, 6)
    made = run_by_onnx(ends, inputs)
    assert len(made) == len(ENTRANCES) + len(HEADS)
    for ours, theirs in zip(made, ends(*inputs), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
