"""What a run would take is counted where it can be, and measured where not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor, nn

from srkit import checkpoint
from srkit.data import datasets
from srkit.data.degradations import create_degradation
from srkit.data.pairs import bicubic
from srkit.data.training_set import load_training_set
from srkit.errors import ConfigError, DataError, SrkitError
from srkit.models import build_model
from srkit.training import estimate as estimating
from srkit.training.config import TrainingConfig
from srkit.training.estimate import estimate
from srkit.training.learner import Learner
from srkit.training.loop import train
from srkit.training.patches import PatchPlan
from srkit.training.run_images import noise_images
from srkit.training.watch import Watcher

Configure = Callable[..., TrainingConfig]


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimating, "TIMED", 2)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of what is to be downloaded, which fails."""
    found: list[str] = []

    def download(address: str, *given: Any, **named: Any) -> None:
        found.append(address.rpartition("/")[2])
        raise DataError("there is no network")

    monkeypatch.setattr(datasets, "download", download)
    return found


def test_counts_what_can_be_counted(configure: Configure, photographs: Path) -> None:
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
    assert found.parameters == found.trained_parameters == kernels + 8 + 8 + 12
    wide = estimate(configure({"network_g": config.network_g.model_dump() | {"expansion": 16}}))
    assert wide.parameters == found.parameters < wide.trained_parameters
    assert found.multiply_adds == pytest.approx(kernels, rel=0.01)
    assert found.receptive_field == 3
    (stage,) = found.stages
    assert (found.scale, found.images, stage.patches, stage.patch_size) == (2, 2, 4, 16)
    assert (found.validation, found.absent, found.taken) == ({"both": 2}, [], None)
    assert found.memory > 10_000_000
    assert found.seconds == pytest.approx(1000 / stage.steps_per_second)
    # As many bytes as the run itself keeps.
    folder = datasets.TrainingFolder(hr=photographs)
    parts = load_training_set([folder], scale=2, patch_size=16).parts
    assert found.decoded == sum(
        part.hr.nbytes + part.lr.nbytes for part in parts if part.lr is not None
    )


def test_what_is_not_there_yet_is_not_downloaded(
    configure: Configure, tmp_path: Path, asked: list[str]
) -> None:
    changes = {
        "scale": 4,
        "datasets.data_root": str(tmp_path / "sets"),
        "datasets.train.dataroot_gt": "DIV2K",
        "datasets.train.lr_track": "wild",
        "datasets.val": [{"dataroot_gt": "DIV2K-valid", "lr_track": "mild"}],
    }
    found = estimate(configure(changes), device="cpu")
    assert (found.images, found.validation) == (3200, {"DIV2K-valid": 100})
    training, validation = ["DIV2K_train_HR", "DIV2K_train_LR_wild"], ["DIV2K_valid_HR"]
    assert found.absent == [*training, *validation, "DIV2K_valid_LR_mild"]
    assert found.decoded is None
    assert not list(tmp_path.iterdir())
    assert asked == []
    with pytest.raises(DataError, match="absent: no such folder"):
        estimate(configure({"datasets.train.dataroot_gt": str(tmp_path / "absent")}), device="cpu")


def test_a_run_downloads_when_all_else_is_in_order_and_says_so(
    configure: Configure, tmp_path: Path, asked: list[str]
) -> None:
    said: list[str] = []

    class Listener(Watcher):
        def said(self, line: str) -> None:
            said.append(line)

    changes: dict[str, Any] = {
        "datasets.data_root": str(tmp_path / "sets"),
        "datasets.val": [{"dataroot_gt": "DIV2K-valid"}],
    }
    for wrong, message in (
        ({"path.pretrain_network_g": str(tmp_path / "absent")}, "absent: neither a file nor"),
        ({"train.losses": {"l3": 1}}, "unknown loss 'l3'"),
    ):
        with pytest.raises(SrkitError, match=message):
            train(configure(changes | wrong), tmp_path / "run")
    assert asked == []
    with pytest.raises(DataError, match="there is no network"):
        train(configure(changes), tmp_path / "run", watch=Listener())
    assert asked == ["DIV2K_valid_HR.zip"]
    assert any(line.startswith("downloading DIV2K_valid_HR to ") for line in said)


def test_a_published_set_that_is_not_whole_is_warned_of(
    configure: Configure, photographs: Path, tmp_path: Path
) -> None:
    (tmp_path / "Set5").symlink_to(photographs)
    warnings: list[str] = []

    class Listener(Watcher):
        def warn(self, line: str) -> None:
            warnings.append(line)

    sets = {"datasets.data_root": str(tmp_path), "datasets.val": [{"dataroot_gt": "Set5"}]}
    config = configure(sets | {"train.total_iter": 1})
    train(config, tmp_path / "run", watch=Listener())
    assert warnings == [
        f"Set5 has 5 images, {tmp_path / 'Set5'} holds 2: not comparable with published numbers"
    ]


def test_given_lr_images_must_be_there_and_fit(
    configure: Configure, photographs: Path, tmp_path: Path
) -> None:
    config = configure({"datasets.train.dataroot_lq": str(tmp_path)})
    for path in photographs.iterdir():
        small = bicubic(np.asarray(Image.open(path)), 1 / 2)
        Image.fromarray(small).save(tmp_path / f"{path.stem}x2.png")
    assert estimate(config, device="cpu").images == 2
    Image.fromarray(small[:-1]).save(tmp_path / "catx2.png")
    with pytest.raises(DataError, match=r"catx2\.png: .* 2 times that is not the 160x140 of .*cat"):
        estimate(config, device="cpu")
    (tmp_path / "catx2.png").unlink()
    with pytest.raises(DataError, match="no LR image is called cat or catx2"):
        estimate(config, device="cpu")
    validated = configure(
        {"datasets.val": [{"dataroot_gt": str(photographs), "dataroot_lq": str(tmp_path)}]}
    )
    with pytest.raises(DataError, match="no LR image is called cat or catx2"):
        estimate(validated, device="cpu")


def test_the_checkpoint_to_start_from_must_be_there_and_fit(
    configure: Configure, tmp_path: Path
) -> None:
    lpae = tmp_path / "lpae.safetensors"
    checkpoint.save(lpae, build_model("lpae"), checkpoint.Card(name="lpae"))
    with pytest.raises(ConfigError, match="shares no kernel with this model"):
        estimate(configure({"path.pretrain_network_g": str(lpae)}), device="cpu")
    network = {"network_g": {"type": "lpsr", "features": 8, "blocks": 1}}
    with pytest.raises(ConfigError, match="an LPSR decodes with a trained LPAE"):
        estimate(configure(network), device="cpu")
    found = estimate(configure(network | {"path.pretrain_network_g": str(lpae)}), device="cpu")
    assert str(found.taken).startswith("took ")


@pytest.mark.parametrize("degradation", [None, "classical"])
@pytest.mark.parametrize("bands", [3, 5])
def test_noise_is_drawn_as_images_are(
    configure: Configure, degradation: str | None, bands: int
) -> None:
    if degradation and bands != 3:
        pytest.skip("degradations are for RGB images")
    config = configure({"train.patch_schedule": [{"from_iter": 5, "gt_size": 96}]})
    plan = PatchPlan.of(config, scale=2, processes=1)
    making = create_degradation({"type": degradation or "bicubic"}, scale=2)
    source = noise_images(config, plan, making, scale=2, bands=bands)
    for step, side in ((0, 16), (5, 48)):
        lr, hr = source.draw(step, 0, 2)
        assert (lr.shape, hr.shape) == ((2, bands, side, side), (2, bands, 2 * side, 2 * side))
        assert hr.std() == pytest.approx(12**-0.5, rel=0.05)  # uniform over [0, 1]


def test_the_time_of_drawing_counts_and_workers_share_it(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 0.0}
    draw = estimating._draw

    def drawing(*given: Any) -> Any:
        clock["now"] += 6.0
        return draw(*given)

    def waiting(device: Any) -> None:
        clock["now"] += 2.0  # a step's

    monkeypatch.setattr(estimating, "_draw", drawing)
    monkeypatch.setattr(estimating, "_wait", waiting)
    monkeypatch.setattr("srkit.training.estimate.time.perf_counter", lambda: clock["now"])
    rates = [
        estimate(configure({"datasets.train.num_worker_per_gpu": workers}), device="cpu")
        for workers in (0, 1, 2, 4)
    ]
    paces = [1 / found.stages[0].steps_per_second for found in rates]
    assert paces == pytest.approx([8, 6, 3, 2])


def test_each_size_of_patches_is_timed_for_its_steps(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 0.0}
    differentiate = Learner.differentiate
    held: list[int] = []

    def learning(self: Learner, shares: Any) -> Any:
        clock["now"] += shares[0].hr.numel()
        return differentiate(self, shares)

    def memory(device: Any) -> int:
        held.append(1000 * len(held))
        return held[-1]

    monkeypatch.setattr(Learner, "differentiate", learning)
    monkeypatch.setattr(estimating, "_memory", memory)
    monkeypatch.setattr("srkit.training.estimate.time.perf_counter", lambda: clock["now"])
    # The second size begins within the steps that are timed, the last one after the run.
    schedule = [
        {"from_iter": 3, "gt_size": 64, "batch_size_per_gpu": 1},
        {"from_iter": 200, "gt_size": 96},
    ]
    changes = {"train.total_iter": 103, "train.patch_schedule": schedule}
    found = estimate(configure(changes), device="cpu")
    assert [(one.steps, one.patches, one.patch_size) for one in found.stages] == [
        (3, 2, 16),
        (100, 1, 32),
    ]
    small, large = (3 * side**2 * count for side, count in ((32, 2), (64, 1)))
    assert found.seconds == pytest.approx(3 * small + 100 * large)
    assert found.memory == max(held)
    assert len(held) == 2


def multiply_adds_of_layers(network: nn.Module, side: int) -> int:
    """Sum up over layers what each number they give takes."""
    count = 0

    def add(layer: nn.Module, given: Any, made: Tensor) -> None:
        nonlocal count
        assert isinstance(layer.weight, Tensor)
        count += made.numel() * layer.weight[0].numel()

    for layer in network.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Linear):
            layer.register_forward_hook(add)
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, side, side))
    return count


def test_a_classifier_is_estimated_for_its_images(tmp_path: Path) -> None:
    for number, name in enumerate(("cat", "dog", "owl")):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        Image.fromarray(data.astronaut()[:40, number : 60 + number]).save(folder / "a.png")
    values: dict[str, Any] = {
        "name": "tiny",
        "datasets": {
            "train": {"dataroot_gt": str(tmp_path / "images"), "batch_size_per_gpu": 2},
            "val": [{"dataroot_gt": str(tmp_path / "images"), "name": "all"}],
        },
        "network_g": {"type": "wrn-b4-eca", "phi": 0},
    }

    def configured(steps: int) -> TrainingConfig:
        recipe = {"train": {"total_iter": steps, "accumulate": 2}}
        return TrainingConfig.model_validate(values | recipe)

    found = estimate(configured(100), device="cpu")
    assert (found.scale, found.classes, found.images) == (None, 3, 3)
    (stage,) = found.stages
    assert stage.patches == 4
    assert found.validation == {"all": 3}
    side = stage.patch_size
    assert found.decoded == 3 * 3 * side**2
    outcome = train(configured(1), tmp_path / "run")
    trained = checkpoint.load_network(str(outcome.checkpoint)).module
    assert found.parameters == sum(weight.numel() for weight in trained.parameters())
    assert found.multiply_adds == multiply_adds_of_layers(trained, side)
    assert found.seconds == pytest.approx(100 / stage.steps_per_second)
