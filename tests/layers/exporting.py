"""Layers as ONNX sees them.

The size of the maps is fixed, as it is where an image is computed in tiles.
"""

import logging
import warnings
from collections.abc import Sequence

import onnxruntime
import torch
from torch import Tensor, nn


def run_by_onnx(network: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Export a network and give what onnxruntime makes of these inputs."""
    # The exporter warns of its own parts, logs what it does, and would take as long to optimise.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network, tuple(inputs), dynamo=True, verbose=False, optimize=False
        )
    assert program is not None
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [one.name for one in session.get_inputs()]
    made = session.run(None, {n: x.numpy() for n, x in zip(names, inputs, strict=True)})
    return [torch.from_numpy(one) for one in made]
