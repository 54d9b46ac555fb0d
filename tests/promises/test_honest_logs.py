"""P12: equal runs write byte-identical logs, whatever the number of loader workers."""

from pathlib import Path

import pytest

from srkit.training.config import TrainingConfig
from srkit.training.loop import train


def logs(images: Path, folder: Path, *, workers: int) -> dict[str, bytes]:
    config = TrainingConfig.model_validate(
        {
            "name": "tiny",
            "scale": 2,
            "datasets": {
                "train": {
                    "dataroot_gt": str(images),
                    "gt_size": 32,
                    "batch_size_per_gpu": 4,
                    "num_worker_per_gpu": workers,
                    "degradation": {"type": "second_order"},
                },
                "val": {"dataroot_gt": str(images)},
            },
            "network_g": {"type": "lapwave-s", "features": 8, "blocks": 1, "expansion": 0},
            "train": {"total_iter": 20, "losses": {"l1": 1.0, "frequency": 0.1}},
            "val": {"val_freq": 10},
            "logger": {"print_freq": 3},
        }
    )
    train(config, folder)
    return {name: (folder / "log" / name).read_bytes() for name in ("log.csv", "log.jsonl")}


@pytest.mark.promise
def test_training_twice_writes_the_same_logs(hr_folder: Path, tmp_path: Path) -> None:
    first = logs(hr_folder, tmp_path / "first", workers=0)
    assert first["log.csv"].count(b"\n") > 8
    assert logs(hr_folder, tmp_path / "again", workers=0) == first
    for workers in (1, 2):
        assert logs(hr_folder, tmp_path / f"{workers}", workers=workers) == first
