"""Classifiers are trained from a folder, go on where they stopped, and refuse what cannot be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from srkit import checkpoint
from srkit.checkpoint import Card
from srkit.errors import ConfigError, DataError, ImageError
from srkit.models import build_model
from srkit.models.lpae_classifier import LPAEClassifier
from srkit.models.wrn_eca import WRNECA
from srkit.training.average import WeightAverage
from srkit.training.classification import with_classes
from srkit.training.config import TrainingConfig
from srkit.training.config_words import put
from srkit.training.loop import train
from srkit.training.network import create_classifier
from srkit.training.report import write_report
from srkit.training.watch import RunFacts, Watcher

WRN = {"type": "wrn-b4-eca", "depth": 1.0, "width": 0.25, "image_size": 16, "pooling": "global"}
SMALL = {"type": "lpae-small", "features": 8, "image_size": 16, "lpae_hidden": 4}


def configured(root: Path, changes: dict[str, Any] | None = None) -> TrainingConfig:
    """Build a configuration of 12 steps, with what differs given by dotted keys."""
    values: dict[str, Any] = {
        "name": "tiny",
        "datasets": {
            "train": {"dataroot_gt": str(root / "train"), "batch_size_per_gpu": 8},
            "val": [{"dataroot_gt": str(root / "valid")}],
        },
        "network_g": WRN,
        "train": {"total_iter": 12, "optim_g": {"lr": 3e-3}},
        "val": {"val_freq": 6},
        "logger": {"print_freq": 3, "save_checkpoint_freq": 5},
    }
    for key, value in (changes or {}).items():
        put(values, key, value, shown=key)
    return TrainingConfig.model_validate(values)


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log" / "log.jsonl").read_text().splitlines()]


def autoencoder(path: Path, bands: int = 3) -> Path:
    """Write an LPAE that halves and gives detail, as a trained one would."""
    torch.manual_seed(0)
    network = build_model("lpae", {"hidden": 4, "image_channels": bands})
    checkpoint.save(path, network, Card(name="lpae"))
    return path


def test_a_made_set_is_learnt(textures: Path, tmp_path: Path) -> None:
    config = configured(textures, {"train.total_iter": 40, "val.val_freq": 20})
    outcome = train(config, tmp_path / "run")
    assert outcome.checkpoint is not None
    scores = [row for row in rows(tmp_path / "run") if "set" in row]
    assert [row["step"] for row in scores] == [20, 40]
    assert scores[-1]["accuracy"] > 0.9
    assert scores[-1]["set"] == "valid"
    assert set(scores[-1]) >= {"macro_precision", "macro_recall", "macro_f1"}
    loaded = checkpoint.load_classifier(outcome.checkpoint)
    assert loaded.module.classes == ("columns", "rows", "spots")
    assert loaded.card.scores[0]["accuracy"] == scores[-1]["accuracy"]
    header = (tmp_path / "run" / "log" / "log.csv").read_text().splitlines()[0]
    assert header.endswith("set,protocol,accuracy,macro_precision,macro_recall,macro_f1")


def test_a_run_goes_on_to_the_same_end(
    textures: Path, tmp_path: Path, fingerprint: Callable[[Path], dict[str, str]]
) -> None:
    """Dropout, batch normalisation's statistics, order, shifts: all as in a run in one go."""
    deep = {**WRN, "depth": 1.5}  # has blocks with dropout
    config = configured(textures, {"network_g": deep})
    train(config, tmp_path / "whole")
    stopped = Stopper(7)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "parts", watch=stopped)
    train(config, tmp_path / "parts", resume=True)
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")
    whole, parts = (
        checkpoint.load_classifier(tmp_path / name / "models" / "tiny.safetensors").module
        for name in ("whole", "parts")
    )
    for key, tensor in whole.state_dict().items():
        assert torch.equal(tensor, parts.state_dict()[key]), key
    assert isinstance(parts, WRNECA)
    assert parts.standardisation.deviation.max() < 1


class Stopper(Watcher):
    """End a run in the middle of a step, as a kill does."""

    def __init__(self, step: int) -> None:
        self.step = step

    def stepped(self, step: int, pace: object) -> None:
        """Raise at the step."""
        if step == self.step:
            raise KeyboardInterrupt


def test_what_a_run_was_made_of_is_written_down(textures: Path, tmp_path: Path) -> None:
    """The classes are in the configuration: the report, and going on, need no images to know."""
    config = configured(textures, {"train.total_iter": 2})
    train(config, tmp_path / "run")
    text = (tmp_path / "run" / "config.yml").read_text()
    assert "classes: [columns, rows, spots]" in text
    page = write_report(tmp_path / "run").read_text()
    assert "accuracy" in page
    assert "PSNR" not in page
    # A run of the same command goes on; one that knows other classes does not.
    outcome = train(config, tmp_path / "run", resume=True)
    assert outcome.step == 2
    other = configured(
        textures,
        {
            "train.total_iter": 2,
            "network_g": {**WRN, "classes": ["rows", "columns", "spots"], "multi_label": False},
        },
    )
    with pytest.raises(ConfigError, match=r"cannot resume with network_g\.classes"):
        train(other, tmp_path / "run", resume=True)


def test_lpae_is_frozen_in_the_first_stage_and_learns_in_the_second(
    textures: Path, tmp_path: Path
) -> None:
    given = str(autoencoder(tmp_path / "lpae.safetensors"))
    config = configured(textures, {"network_g": SMALL, "path": {"pretrain_network_g": given}})
    first = train(config, tmp_path / "first")
    before = checkpoint.load(given).module.state_dict()
    assert first.checkpoint is not None
    trained = checkpoint.load_classifier(first.checkpoint).module
    assert isinstance(trained, LPAEClassifier)
    for key, tensor in trained.lpae.state_dict().items():
        assert torch.equal(tensor, before[key]), key
    joint = configured(
        textures,
        {
            "network_g": SMALL,
            "path": {"pretrain_network_g": str(first.checkpoint)},
            "train.joint_lpae": True,
        },
    )
    second = train(joint, tmp_path / "second")
    losses = [row["terms"] for row in rows(tmp_path / "second") if "terms" in row]
    assert set(losses[0]) == {"cross_entropy", "lpae"}
    # It went on from the first stage, and did not begin anew.
    assert losses[0]["cross_entropy"] < rows(tmp_path / "first")[0]["terms"]["cross_entropy"]
    assert second.checkpoint is not None
    both = checkpoint.load_classifier(second.checkpoint).module
    assert isinstance(both, LPAEClassifier)
    assert any(
        not torch.equal(tensor, before[key]) for key, tensor in both.lpae.state_dict().items()
    )


@pytest.fixture(scope="module")
def bands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make 16-bit images of six bands; a label is a brighter band, and there may be several."""
    root = tmp_path_factory.mktemp("bands")
    random = np.random.default_rng(0)
    for part, count in (("train", 40), ("valid", 20)):
        (root / part).mkdir()
        lines = []
        for number in range(count):
            pixels = random.integers(200, 400, (16, 16, 6)).astype(np.uint16)
            present = random.random(3) < 0.5
            for index in np.flatnonzero(present):
                pixels[..., 2 * index] += 300
            tifffile.imwrite(
                root / part / f"{number}.tif",
                pixels,
                photometric="minisblack",
                planarconfig="contig",
            )
            names = [name for name, there in zip("abc", present, strict=True) if there]
            lines.append(f"{number}.tif,{';'.join(names)}\n")
        (root / part / "labels.csv").write_text("".join(lines))
    return root


def test_several_labels_of_images_of_many_bands_are_learnt(bands: Path, tmp_path: Path) -> None:
    """The bands use a hundredth of their range, which the network standardises."""
    config = configured(
        bands,
        {
            "network_g": {**WRN, "image_channels": 6},
            "train.total_iter": 40,
            "val.val_freq": 40,
        },
    )
    outcome = train(config, tmp_path / "run")
    (score,) = [row for row in rows(tmp_path / "run") if "set" in row]
    assert score["micro_f1"] > 0.9
    assert score["protocol"] == "several labels, from 0.5"
    assert outcome.checkpoint is not None
    network = checkpoint.load_classifier(outcome.checkpoint).module
    assert (network.multi_label, network.classes) == (True, ("a", "b", "c"))
    assert isinstance(network, WRNECA)
    pixels = np.stack([tifffile.imread(path) for path in (bands / "train").glob("*.tif")]) / 65535
    statistics = network.standardisation
    np.testing.assert_allclose(statistics.mean, pixels.mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(statistics.deviation, pixels.std(axis=(0, 1, 2)), rtol=1e-5)


def test_statistics_are_averaged_wherever_an_engine_has_put_them(textures: Path) -> None:
    """Spreading a model over processes, accelerate replaces its buffers by copies."""
    config = with_classes(configured(textures))
    network = create_classifier(config)
    assert isinstance(network, WRNECA)
    average = WeightAverage(network, decay=0.5)
    for layer in network.modules():
        for name, buffer in layer.named_buffers(recurse=False):
            setattr(layer, name, buffer.clone())
    network.standardisation.adapt([0.5] * 3, [0.2] * 3)
    network.train()(torch.rand(4, 3, 16, 16))
    average.update(100)
    average.update(101)
    ours, theirs = average.model.state_dict(), network.state_dict()
    torch.testing.assert_close(ours["stem.1.num_batches_tracked"], torch.tensor(1))
    torch.testing.assert_close(ours["standardisation.mean"], torch.full((3,), 0.375))
    torch.testing.assert_close(
        ours["stem.1.running_var"], 0.25 + 0.75 * theirs["stem.1.running_var"]
    )


def test_a_network_of_other_classes_is_a_start(textures: Path, tmp_path: Path) -> None:
    config = configured(textures, {"train.total_iter": 2})
    first = train(config, tmp_path / "first").checkpoint
    less = tmp_path / "less"
    for part in ("train", "valid"):
        for kind in ("rows", "spots"):
            (less / part).mkdir(parents=True, exist_ok=True)
            (less / part / kind).symlink_to(textures / part / kind)
    facts: list[RunFacts] = []

    class Noting(Watcher):
        def started(self, of: RunFacts) -> None:
            facts.append(of)

    again = configured(less, {"train.total_iter": 1, "path": {"pretrain_network_g": str(first)}})
    train(again, tmp_path / "second", watch=Noting())
    total = len(checkpoint.load_classifier(str(first)).module.state_dict())
    assert facts[0].taken == f"took {total - 2} of {total} tensors from {first}"  # all but the head


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 2}, "scale: is not for classifiers, wrn-b4-eca is one"),
        ({"datasets.train.gt_size": 64}, r"datasets\.train\.gt_size: is not for classifiers"),
        (
            {"datasets.train.degradation": {"type": "second_order"}},
            r"datasets\.train\.degradation: is not for classifiers",
        ),
        (
            {"train.patch_schedule": [{"from_iter": 2, "gt_size": 8}]},
            r"train\.patch_schedule: is not for classifiers",
        ),
        ({"train.joint_lpae": True}, "train.joint_lpae: wrn-b4-eca has no LPAE inside it"),
        (
            {"network_g": {**SMALL, "image_size": 15}, "train.joint_lpae": True},
            "image_size: must be even to train the LPAE, got 15",
        ),
        ({"network_g": SMALL}, "this classifier sees with a trained LPAE of 4 hidden channels"),
        (
            {"network_g": {**SMALL, "image_channels": 5}},
            "a trained LPAE of 4 hidden channels and 5 bands, none is given",
        ),
        ({"network_g": {**WRN, "image_channels": 5}}, "has 1 band, not 5"),
        ({"train.losses": {"l1": 1}}, "unknown loss 'l1'"),
        ({"datasets.train.dataroot_gt": "absent"}, "absent: no such folder of labelled images"),
        ({"datasets.val": [{"dataroot_gt": "absent"}]}, "absent: no such folder of labelled"),
        (
            {"network_g": {**WRN, "classes": ["rows", "columns"]}},
            "class 'spots' is not one of rows, columns",
        ),
        (
            {"network_g": {**WRN, "classes": ["rows", "columns", "spots"], "multi_label": True}},
            r"network_g\.multi_label: is True, the training images are labelled otherwise",
        ),
    ],
)
def test_what_cannot_be_is_one_line_before_anything_is_written(
    textures: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises((ConfigError, DataError, ImageError), match=message) as caught:
        train(configured(textures, changes), tmp_path / "run")
    assert "\n" not in str(caught.value).partition("\n  ")[0]
    assert not (tmp_path / "run" / "models").exists()
