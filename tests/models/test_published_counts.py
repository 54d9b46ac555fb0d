"""The published networks have exactly the parameters their authors' have.

DWSR, LapSRN, MS-LapSRN and the first MWCNN are counted by their papers' descriptions (374K, 812K,
222K and 16.1M there), the others in their authors' code. All but SRNet enlarge one channel there.
Nothing is allocated: the models stand on torch's meta device.
"""

from typing import Any

import pytest
import torch

from srkit.models import PRESETS, build_model

LUMA = {"image_channels": 1}
COUNTS: list[tuple[str, dict[str, Any], int]] = [
    ("dwsr", LUMA, 373_956),
    ("dwsr", {**LUMA, "first_kernel_size": 5}, 378_052),
    ("mwcnn", LUMA, 16_145_892),
    ("mwcnn-v2", LUMA, 24_927_809),
    ("lapsrn", {**LUMA, "scale": 4}, 812_768),
    *(
        ("ms-lapsrn", {**LUMA, "scale": scale, "recursions": recursions}, 222_801)
        for scale, recursions in ((2, 2), (4, 5), (8, 8))
    ),
    ("lpae-srnet", {"scale": 2}, 45_440_390),
    ("lpae-srnet", {"scale": 4}, 45_841_833),
    ("lpae-srnet", {"scale": 8}, 46_386_956),
]


@pytest.mark.parametrize(("preset", "settings", "published"), COUNTS)
def test_has_the_published_parameters(
    preset: str, settings: dict[str, Any], published: int
) -> None:
    kind, standard = PRESETS[preset]
    with torch.device("meta"):
        model = build_model(kind, {**standard, **settings})
    # SRNet's are counted without the frozen LPAE that decodes what it predicts.
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    assert sum(weight.numel() for weight in trained) == published
