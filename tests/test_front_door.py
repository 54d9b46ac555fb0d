"""`import srkit` and its four functions, as a Python user meets them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import srkit
from srkit.checkpoint import Card, save
from srkit.errors import CheckpointError, ConfigError, ImageError
from srkit.images import read_image
from srkit.images.image import Samples
from srkit.models import build_model

PHOTOGRAPH = data.chelsea()[60:100, 120:171]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    network = build_model("sr_network", {"features": 8, "blocks": 1, "scale": 2})
    save(path, network, Card(name="tiny"))
    return str(path)


@pytest.mark.parametrize("shape", [(40, 51), (40, 51, 1), (40, 51, 2), (40, 51, 3), (40, 51, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_array_comes_back_larger_and_of_the_same_kind(
    model: str, shape: tuple[int, ...], dtype: type
) -> None:
    random = np.random.default_rng(0)
    pixels: Samples = random.integers(0, np.iinfo(dtype).max, shape).astype(dtype)
    larger = srkit.upscale(pixels, model=model)
    assert larger.dtype == dtype
    assert larger.shape == (80, 102, *shape[2:])


def test_an_array_of_many_bands_is_enlarged_by_a_network_for_them(tmp_path: Path) -> None:
    path = tmp_path / "bands.safetensors"
    settings = {"features": 8, "convolutions": 2, "scale": 2, "image_channels": 6}
    save(path, build_model("dwsr", settings), Card(name="bands"))
    pixels: Samples = np.full((9, 8, 6), 1000, np.uint16)
    larger = srkit.upscale(pixels, tmp_path / "large.tif", model=str(path))
    assert larger.shape == (18, 16, 6)
    assert larger.dtype == np.uint16
    np.testing.assert_array_equal(read_image(tmp_path / "large.tif").colour, larger)


def test_a_file_is_read_and_written(model: str, tmp_path: Path) -> None:
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    Image.fromarray(PHOTOGRAPH).save(source)
    larger = srkit.upscale(source, target, model=model, scale=1.5)
    assert larger.shape == (60, 77, 3)  # 76.5 rounds up
    assert np.array_equal(np.asarray(Image.open(target)), larger)
    assert np.array_equal(srkit.upscale(PHOTOGRAPH, model=model, scale=1.5), larger)


def test_tiles_do_not_show(model: str) -> None:
    whole = srkit.upscale(PHOTOGRAPH, model=model, tile=0).astype(int)
    tiled = srkit.upscale(PHOTOGRAPH, model=model, tile=16).astype(int)
    assert np.abs(whole - tiled).max() <= 1
    assert (whole != tiled).mean() <= 1e-4


@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("method", ["haar", "laplacian", "db2", "bior4.4"])
def test_an_exact_decomposition_gives_the_image_back(method: str, levels: int) -> None:
    parts = srkit.decompose(PHOTOGRAPH, method, levels=levels)
    assert len(parts.details) == levels
    back = parts.reconstruct()[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(back - PHOTOGRAPH).max() < 1e-3


def test_an_autoencoder_decomposes_to_as_many_levels_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "lpae.safetensors"
    lpae = build_model("lpae")
    save(path, lpae, Card(name="lpae"))
    parts = srkit.decompose(PHOTOGRAPH, path, levels=2)
    assert [tuple(d.shape[-2:]) for d in parts.details] == [(40, 51), (20, 26)]
    assert parts.approximation.shape[-2:] == (10, 13)
    whole = srkit.load(path).module(srkit.decompose(PHOTOGRAPH, "haar").reconstruct())
    one_level = srkit.decompose(PHOTOGRAPH, path).reconstruct()
    torch.testing.assert_close(one_level, whole, atol=1e-5, rtol=0)


def test_what_cannot_be_is_one_line(model: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"array: float64 of shape \(3, 3\)"):
        srkit.upscale(np.zeros((3, 3)), model=model)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="the image has 5 bands, the model takes 3"):
        srkit.upscale(np.zeros((9, 9, 5), np.uint8), model=model)
    with pytest.raises(ImageError, match=r"absent\.png"):
        srkit.upscale(tmp_path / "absent.png", model=model)
    with pytest.raises(CheckpointError, match="neither a file nor a released model"):
        srkit.upscale(PHOTOGRAPH, model="lapwafe")
    with pytest.raises(ConfigError, match="levels must be at least 1, got 0"):
        srkit.decompose(PHOTOGRAPH, "haar", levels=0)
    with pytest.raises(ConfigError, match="not an LPAE"):
        srkit.decompose(PHOTOGRAPH, model)


def test_importing_srkit_loads_nothing_heavy() -> None:
    script = "import sys, srkit; sys.exit(bool({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
