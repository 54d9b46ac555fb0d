"""P10: a checkpoint of every released format loads and gives the output it was recorded with.

The files in tests/data/checkpoints are made once, when a format is released, and never again:

    torch.manual_seed(0)
    model = build_model("sr_network", {"features": 8, "blocks": 1, "scale": 2, ...}).eval()
    checkpoint.save(path, model, Card(name="format-1", ...))
    numpy.save(path.with_suffix(".npy"), model(ramp()).detach().numpy())
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from srkit import checkpoint

FOLDER = Path(__file__).parent.parent / "data" / "checkpoints"


def ramp() -> Tensor:
    return torch.linspace(0, 1, 3 * 5 * 7).reshape(1, 3, 5, 7)


@pytest.mark.promise
@pytest.mark.parametrize("version", range(1, int(checkpoint.FORMAT) + 1))
def test_loads_and_gives_the_same_output(version: int) -> None:
    path = FOLDER / f"format-{version}.safetensors"
    model = checkpoint.load(path).module.eval()
    with torch.no_grad():
        output = model(ramp()).numpy()
    np.testing.assert_allclose(output, np.load(path.with_suffix(".npy")), rtol=0, atol=1e-5)
