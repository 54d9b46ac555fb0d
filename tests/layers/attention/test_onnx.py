"""Every mechanism exports to ONNX, in the form that large images need, and says the same there.

All are exported as one network, because starting an export takes seconds.
"""

import logging
import warnings

import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from srkit.layers.attention import ATTENTION, create_attention

from ..layer_making import randomised

# Its transform is float64 inside, for which onnxruntime has no convolution.
WITHOUT = {"wavelet_bands"}
FORMS = [*((name, 3) for name in ATTENTION if name not in WITHOUT), ("non_local", None)]


class SideBySide(nn.Module):
    """Give what each of some mechanisms makes of the same features."""

    def __init__(self) -> None:
        super().__init__()
        self.mechanisms = nn.ModuleList(
            create_attention(name, 16, window=window) for name, window in FORMS
        )

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        return [mechanism(x_BCHW) for mechanism in self.mechanisms]


@pytest.fixture(scope="module")
def outputs() -> list[tuple[Tensor, Tensor]]:
    """Give what torch and what onnxruntime make, for each of FORMS."""
    network = randomised(SideBySide())
    x = torch.randn(1, 16, 9, 8)
    # The exporter warns of its own parts, logs what it does, and would take as long to optimise.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(network, (x,), dynamo=True, verbose=False, optimize=False)
    assert program is not None
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    made = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return [(theirs, torch.from_numpy(ours)) for theirs, ours in zip(network(x), made, strict=True)]


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form[0]}-{form[1]}")
def test_exports_to_onnx(
    form: tuple[str, int | None], outputs: list[tuple[Tensor, Tensor]]
) -> None:
    expected, made = outputs[FORMS.index(form)]
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-5)
