"""Every block and stage exports to ONNX, and says the same there.

They stand in a row, because an export takes seconds; its error names the operation.
The size of the image is fixed, as it is where an image is computed in tiles.
"""

import logging
import warnings

import onnxruntime
import pytest
import torch
from torch import nn

from srkit.layers.blocks import BLOCKS, create_block
from srkit.layers.stages import STAGES, create_stage

FEATURES = 16


@pytest.mark.slow
@pytest.mark.parametrize("window", [None, 8])
def test_every_one_exports(window: int | None) -> None:
    torch.manual_seed(0)
    blocks = [create_block(name, FEATURES, "none", window=window) for name in BLOCKS]
    stages = [
        create_stage(name, "convolution", FEATURES, "none", count=3, window=window)
        for name in STAGES
    ]
    row = nn.Sequential(*blocks, *stages).eval()
    x = torch.randn(1, FEATURES, 13, 18)
    # The exporter warns of its own parts, and logs what it does.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(row, (x,), dynamo=True, verbose=False)
    assert program is not None
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (exported,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    torch.testing.assert_close(torch.from_numpy(exported), row(x), atol=1e-5, rtol=1e-4)
