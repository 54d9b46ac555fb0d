"""Every mechanism exports to ONNX, of the whole image and of a window, and says the same there.

All are exported as one network, because starting an export takes seconds.
"""

import pytest
import torch
from torch import Tensor, nn

from srkit.layers.attention import (
    ATTENTION,
    TEMPORAL_ATTENTION,
    create_attention,
    create_temporal_attention,
)

from ..exporting import run_by_onnx
from ..layer_making import randomised

# Its transform is float64 inside, for which onnxruntime has no convolution.
WITHOUT = {"wavelet_bands"}
FORMS = [
    (name, window)
    for name in (*ATTENTION, *TEMPORAL_ATTENTION)
    for window in (None, 3)
    if name not in WITHOUT
]


class SideBySide(nn.Module):
    """Give what each of some mechanisms makes of the same features, or of the same burst."""

    def __init__(self) -> None:
        super().__init__()
        self.mechanisms = nn.ModuleList(
            create_attention(name, 16, window=window)
            if name in ATTENTION
            else create_temporal_attention(name, 16, window=window)
            for name, window in FORMS
        )

    def forward(self, x_BCHW: Tensor, burst_BTCHW: Tensor) -> list[Tensor]:
        return [
            mechanism(burst_BTCHW if mechanism.category == "temporal" else x_BCHW)
            for mechanism in self.mechanisms
        ]


@pytest.fixture(scope="module")
def outputs() -> list[tuple[Tensor, Tensor]]:
    """Give what torch and what onnxruntime make, for each of FORMS."""
    network = randomised(SideBySide())
    inputs = torch.randn(1, 16, 9, 8), torch.randn(1, 3, 16, 9, 8)
    return list(zip(network(*inputs), run_by_onnx(network, inputs), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form[0]}-{form[1]}")
def test_exports_to_onnx(
    form: tuple[str, int | None], outputs: list[tuple[Tensor, Tensor]]
) -> None:
    expected, made = outputs[FORMS.index(form)]
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-5)
