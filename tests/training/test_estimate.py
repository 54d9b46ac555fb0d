"""What a run would take is counted where it can be, and measured where not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from srkit.errors import DataError
from srkit.training.config import TrainingConfig
from srkit.training.estimate import estimate

Configure = Callable[..., TrainingConfig]


def test_counts_what_can_be_counted(configure: Configure) -> None:
    network = {"entrance": "plain", "block": "convolution", "head": "wavelet", "attention": "none"}
    config = configure(
        {
            "network_g": {"type": "sr_network", "features": 8, "blocks": 1} | network,
            "train.accumulate": 2,
            "train.total_iter": 1000,
        }
    )
    found = estimate(config, device="cpu")
    # Three convolutions, to 8 channels, from 8 to 8 and to 12, at the LR image's size.
    kernels = 3 * 9 * 8 + 8 * 9 * 8 + 8 * 9 * 12
    assert found.parameters == kernels + 8 + 8 + 12
    assert found.multiply_adds == pytest.approx(kernels, rel=0.01)
    assert found.receptive_field == 3
    assert (found.scale, found.images, found.patches, found.patch_size) == (2, 2, 4, 16)
    assert found.memory > 10_000_000
    assert found.seconds == pytest.approx(1000 / found.steps_per_second)


def test_images_need_not_be_there_yet(configure: Configure, tmp_path: Path) -> None:
    found = estimate(configure({"datasets.train.dataroot_gt": "DIV2K"}), device="cpu")
    assert found.images == 800
    with pytest.raises(DataError, match="absent: no such folder"):
        estimate(configure({"datasets.train.dataroot_gt": str(tmp_path / "absent")}), device="cpu")
