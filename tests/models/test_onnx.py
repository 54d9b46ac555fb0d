"""Every model and classifier exports to ONNX, and says the same there.

They are exported together, because an export takes seconds; its error names the operation.
"""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from srkit.models import CLASSIFIERS, MODELS, build_classifier, build_model

from ..layers.exporting import run_by_onnx
from ..layers.layer_making import randomised

THIN: dict[str, dict[str, Any]] = {
    "sr_network": {"features": 8, "blocks": 2, "border": 3, "antiring": 0.5},
    "lpae": {"hidden": 4, "levels": 2},
    "lpsr": {"features": 8, "blocks": 1, "lpae_hidden": 4, "antiring": 0.5},
    "lpae_srnet": {"features": 8, "blocks": 1, "scale": 2},
    "dwsr": {"features": 8, "convolutions": 2},
    "mwcnn": {"features": 8, "convolutions": 2, "levels": 2},
    "lapsrn": {"features": 8, "convolutions": 2},
    "ms_lapsrn": {"features": 8, "convolutions": 2, "recursions": 2},
    "lpae_classifier": {"classes": ["a", "b"], "backbone": "small", "features": 8},
    "wrn_eca": {"classes": ["a", "b"], "depth": 1.0, "width": 0.2, "image_size": 32},
}
SIDE = 32  # of the classifiers' images


class All(nn.Module):
    """Give what every network makes of the same image."""

    def __init__(self) -> None:
        super().__init__()
        self.networks = nn.ModuleList(
            build_model(name, settings)
            if name in MODELS
            else build_classifier(name, settings | {"image_size": SIDE})
            for name, settings in THIN.items()
        )

    def forward(self, image_BKHW: Tensor) -> list[Tensor]:
        return [network(image_BKHW) for network in self.networks]


@pytest.fixture(scope="module")
def outputs() -> list[tuple[Tensor, Tensor]]:
    """Give what torch and what onnxruntime make, for each of THIN."""
    networks = randomised(All())
    image = torch.rand(1, 3, SIDE, SIDE)
    return list(zip(networks(image), run_by_onnx(networks, [image]), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MODELS, *CLASSIFIERS])
def test_exports_to_onnx(name: str, outputs: list[tuple[Tensor, Tensor]]) -> None:
    expected, made = outputs[list(THIN).index(name)]
    torch.testing.assert_close(made / expected.abs().max(), expected / expected.abs().max())
