"""Networks for images of any number of bands: trained, scored, and used on TIFF files."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch

from srkit import checkpoint
from srkit.data.pairs import bicubic, prepare
from srkit.errors import ConfigError, DataError
from srkit.evaluation.evaluate import score
from srkit.images import from_tensor, to_tensor
from srkit.images.image import Samples
from srkit.inference.batch import upscale_all
from srkit.training.config import TrainingConfig
from srkit.training.loop import train

BANDS = 5


@pytest.fixture(scope="module")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make three 16-bit images, whose bands are smooth and unlike each other."""
    root = tmp_path_factory.mktemp("fields")
    y, x = np.mgrid[:40, :44]
    for number in range(3):
        waves = [np.sin((k + 1) * y / 9 + number) + np.cos(k * x / 7) for k in range(BANDS)]
        pixels = (2000 + 500 * np.stack(waves, axis=2)).astype(np.uint16)
        save(root / f"{number}.tif", pixels)
    return root


def save(path: Path, pixels: Samples) -> None:
    tifffile.imwrite(path, pixels, photometric="minisblack", planarconfig="contig")


def configured(root: Path, network: dict[str, Any], **train: Any) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {
            "name": "bands",
            "datasets": {
                "train": {"dataroot_gt": str(root), "gt_size": 16, "batch_size_per_gpu": 2},
                "val": [{"dataroot_gt": str(root), "name": "all"}],
            },
            "network_g": network,
            "train": {"total_iter": 4, "warmup_iter": 0, **train},
            "val": {"val_freq": 4},
        }
    )


SR = {"type": "dwsr", "features": 8, "convolutions": 2, "image_channels": BANDS, "scale": 2}


@pytest.fixture(scope="module")
def trained(fields: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    outcome = train(configured(fields, SR), folder)
    assert outcome.checkpoint is not None
    return outcome.checkpoint


def test_a_network_of_five_bands_is_trained_and_scored_over_all_of_them(
    fields: Path, trained: Path
) -> None:
    log = trained.parent.parent / "log" / "log.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    (scored,) = [row for row in rows if "psnr" in row]
    assert scored["protocol"] == "sr-bands"
    network = checkpoint.load(trained).module
    assert network.image_channels == BANDS
    again = score(network, prepare(fields, 2, bands=BANDS), "sr-bands")
    assert round(again.psnr, 4) == scored["psnr"]
    strips = list((trained.parent.parent / "visualization").glob("all/*.png"))
    assert len(strips) == 3


def test_sr_bands_is_psnr_and_ssim_over_all_bands(fields: Path) -> None:
    pairs = prepare(fields, 2, bands=BANDS)
    found = score("bicubic", pairs, "sr-bands")
    by_hand = []
    for pair in pairs:
        guess, truth = (
            image[2:-2, 2:-2].astype(float) / 257 for image in (bicubic(pair.lr, 2), pair.hr)
        )
        by_hand.append(10 * math.log10(255**2 / np.mean((guess - truth) ** 2)))
    assert found.psnr == pytest.approx(np.mean(by_hand), rel=1e-9)
    assert found.ssim > 0.99


@pytest.mark.parametrize("protocol", ["sr-y", "sr-rgb", "div2k-rgb"])
def test_protocols_of_rgb_are_for_rgb(fields: Path, protocol: str) -> None:
    pairs = prepare(fields, 2, bands=BANDS)
    with pytest.raises(ConfigError, match="compares RGB images, not 5 bands") as caught:
        score("bicubic", pairs, protocol)
    assert caught.value.hint == "--protocol sr-bands"


@pytest.mark.parametrize("depth", [8, 16])
def test_a_file_of_five_bands_is_enlarged_with_its_bands_and_depth(
    trained: Path, fields: Path, tmp_path: Path, depth: int
) -> None:
    source = tmp_path / "in.tif"
    pixels = tifffile.imread(fields / "0.tif")
    save(source, pixels if depth == 16 else (pixels // 16).astype(np.uint8))
    report = upscale_all([source], tmp_path / "out", model=str(trained))
    assert not report.refused
    larger = tifffile.imread(tmp_path / "out" / "in.tif")
    assert (larger.shape, larger.dtype) == ((80, 88, BANDS), np.dtype(f"uint{depth}"))
    network = checkpoint.load(trained).module
    with torch.no_grad():
        expected = network(to_tensor(tifffile.imread(source)))
    np.testing.assert_array_equal(larger, from_tensor(expected, larger.dtype))
    # Each band is still itself: this network starts from the image enlarged.
    means = larger.mean(axis=(0, 1)) / tifffile.imread(source).mean(axis=(0, 1))
    np.testing.assert_allclose(means, 1, atol=0.3)


def test_images_of_other_bands_are_refused_one_by_one(
    trained: Path, fields: Path, tmp_path: Path
) -> None:
    given = tmp_path / "in"
    given.mkdir()
    save(given / "good.tif", tifffile.imread(fields / "0.tif"))
    save(given / "six.tif", np.zeros((9, 9, 6), np.uint8))
    tifffile.imwrite(given / "gray.tif", np.zeros((9, 9), np.uint8))
    report = upscale_all([given], tmp_path / "out", model=str(trained))
    assert [job.source.name for job in report.done] == ["good.tif"]
    assert [refused.reason.rpartition(": ")[2] for refused in report.refused] == [
        "the image has 1 bands, the model takes 5",
        "the image has 6 bands, the model takes 5",
    ]
    report = upscale_all([given / "good.tif"], tmp_path / "x", model=str(trained), format="png")
    assert "PNG cannot hold 5 bands" in report.refused[0].reason


def test_an_autoencoder_of_five_bands_is_trained(fields: Path, tmp_path: Path) -> None:
    network = {"type": "lpae", "hidden": 4, "image_channels": BANDS}
    outcome = train(configured(fields, network), tmp_path / "run")
    assert outcome.checkpoint is not None
    assert checkpoint.load(outcome.checkpoint).card.scores[0]["protocol"] == "sr-bands"


def test_images_and_network_must_agree(fields: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 5 bands, not 3"):
        train(configured(fields, {**SR, "image_channels": 3}), tmp_path / "run")
    config = configured(fields, SR)
    images = config.datasets.train.model_copy(update={"degradation": {"type": "second_order"}})
    datasets = config.datasets.model_copy(update={"train": images})
    with pytest.raises(ConfigError, match="second_order is for RGB images, not for 5 bands"):
        train(config.model_copy(update={"datasets": datasets}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
