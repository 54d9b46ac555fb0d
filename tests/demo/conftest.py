"""A running demo with two small models of random weights, one for all tests of a file."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from srkit import checkpoint
from srkit.cli.demo import load_app
from srkit.evaluation import perceptual
from srkit.images import Image, write_image
from srkit.models import build_model


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the released one: a family of two scales, and LPIPS's weights."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for scale in (2, 4):
        torch.manual_seed(scale)
        network = build_model("sr_network", {"scale": scale, "features": 8, "blocks": 1})
        for weights in network.parameters():
            # As initialised, a network may add nothing to bicubic, and then no mix-up would show.
            torch.nn.init.normal_(weights, std=0.05)
        name = f"tiny-x{scale}"
        checkpoint.save(folder / f"{name}.safetensors", network, checkpoint.Card(name=name))
    (folder / perceptual.SHIPPED).symlink_to(perceptual.shipped_weights())
    return folder


@pytest.fixture(scope="module")
def app(checkpoints: Path) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "checkpoints_folder", lambda: checkpoints)
        yield load_app()


@pytest.fixture(scope="module")
def blocks(app: ModuleType) -> Any:
    return app.build()


@pytest.fixture(scope="module")
def url(app: ModuleType, blocks: Any) -> Iterator[str]:
    yield app.launch(blocks).rstrip("/")
    blocks.close(verbose=False)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 40 x 30, unlike any other."""
    pixels = np.random.default_rng(5).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    path = tmp_path / "my photo.png"
    write_image(path, Image(colour=pixels))
    return path
