"""Patch sizes and batches follow the schedule of a configuration."""

import pytest

from srkit.errors import ConfigError
from srkit.training.config import TrainingConfig
from srkit.training.network import create_network, patch_sizes
from srkit.training.patches import PatchPlan


def configure(**train: object) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {
            "name": "tiny",
            "scale": 4,
            "datasets": {
                "train": {"dataroot_gt": "images", "gt_size": 64, "batch_size_per_gpu": 8}
            },
            "network_g": {"type": "lapwave-s", "features": 8, "blocks": 1},
            "train": train,
        }
    )


def test_a_schedule_changes_size_and_batch_at_its_steps() -> None:
    config = configure(
        accumulate=2,
        patch_schedule=[
            {"from_iter": 10, "gt_size": 96},
            {"from_iter": 20, "gt_size": 128, "batch_size_per_gpu": 4},
        ],
    )
    plan = PatchPlan.of(config, scale=4, processes=3)
    assert [plan.size(step) for step in (0, 9, 10, 19, 20, 99)] == [16, 16, 24, 24, 32, 32]
    assert [plan.patches(step) for step in (0, 10, 20)] == [48, 48, 24]


def test_an_hr_patch_is_a_multiple_of_the_scale() -> None:
    with pytest.raises(ConfigError, match="must be a multiple of the scale 3, got 64") as caught:
        patch_sizes(configure(), 3)
    assert caught.value.hint == "63 works"
    late = configure(patch_schedule=[{"from_iter": 1, "gt_size": 65}])
    with pytest.raises(ConfigError, match=r"train\.patch_schedule: .* got 65"):
        patch_sizes(late, 4)


def test_the_scale_of_the_run_is_the_networks() -> None:
    assert create_network(configure()).scale == 4
    values = configure().model_dump()
    with pytest.raises(ConfigError, match=r"network_g\.scale: 2 is not the run's scale 4"):
        create_network(
            TrainingConfig.model_validate(values | {"network_g": {"type": "lapwave-s", "scale": 2}})
        )
    with pytest.raises(ConfigError, match="scale: lpae enlarges by 1, got 4"):
        create_network(TrainingConfig.model_validate(values | {"network_g": {"type": "lpae"}}))
    with pytest.raises(ConfigError, match="lapwave-s has no LPAE inside it"):
        create_network(configure(joint_lpae=True))


@pytest.mark.parametrize(("key", "value"), [("multi_label", False), ("use_shift", False)])
def test_what_only_classifiers_use_is_refused(key: str, value: object) -> None:
    values = configure().model_dump()
    values["datasets"]["train"][key] = value
    with pytest.raises(ConfigError) as caught:
        create_network(TrainingConfig.model_validate(values))
    assert str(caught.value) == (
        f"datasets.train.{key}: false is for classifiers, lapwave-s is none"
    )
    assert str(caught.value.hint).startswith("leave it out; classifiers are ")
