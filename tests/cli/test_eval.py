"""`srkit eval` prints data on stdout, the rest on stderr, and refuses mistakes before working."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from srkit import checkpoint
from srkit.checkpoint import Card
from srkit.cli.eval import evaluate
from srkit.errors import CheckpointError, ConfigError, DataError, SrkitError
from srkit.evaluation import perceptual
from srkit.models import build_model

app = typer.Typer()
app.command("eval")(evaluate)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def refusal(*words: str | Path) -> SrkitError:
    result = run(*words)
    assert isinstance(result.exception, SrkitError), result.output
    assert result.stdout == ""
    return result.exception


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    for name in ("a.png", "b.png"):
        Image.fromarray(coarse).resize((64, 48), Image.Resampling.BICUBIC).save(folder / name)
    return folder


@pytest.fixture
def network(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "file.safetensors"
    settings = {"scale": 2, "features": 8, "blocks": 1}
    checkpoint.save(path, build_model("sr_network", settings), Card(name="tiny-x2"))
    return path


def test_prints_one_table_of_all_models_and_sets(
    images: Path, network: Path, tmp_path: Path
) -> None:
    (tmp_path / "root").mkdir()
    images.rename(tmp_path / "root" / "Set5")
    images.mkdir()
    Image.new("RGB", (40, 40), (9, 9, 9)).save(images / "flat.png")
    result = run(
        *(network, "bicubic", "--dataset", "Set5", "--dataset", images),
        *("--data-root", tmp_path / "root"),
    )
    assert result.exit_code == 0
    caption, header, *lines = result.stdout.splitlines()
    assert caption.startswith("x2; sr-y: BT.601 Y, crop 2,")
    assert header.split() == ["set", "images", "model", "PSNR", "dB", "SSIM", "s/Mpx"]
    assert [line.split()[:3] for line in lines] == [
        ["Set5", "2", "tiny-x2"],
        ["Set5", "2", "bicubic"],
        ["mine", "1", "tiny-x2"],
        ["mine", "1", "bicubic"],
    ]
    assert lines[3].split()[3] == "inf"
    assert "\x1b" not in result.output
    assert result.stderr == (
        f"srkit: Set5 has 5 images, {tmp_path / 'root' / 'Set5'} holds 2: "
        "not comparable with published numbers\n"
    )


def test_json_alone_is_on_stdout_and_csv_in_its_file(images: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    result = run(
        *("bicubic", "lanczos", "--dataset", images, "--scale", "2", "--json", "--csv", target),
        *("--lpips", "--protocol", "div2k-rgb"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert (report["protocol"], report["crop"]) == ("div2k-rgb", 8)
    assert [one["model"] for one in report["results"]] == ["bicubic", "lanczos"]
    rows = [row for one in report["results"] for row in one["rows"]]
    with target.open() as file:
        lines = list(csv.DictReader(file))
    assert [float(line["psnr"]) for line in lines] == [row["psnr"] for row in rows]
    assert [float(line["lpips_alex_v0.1"]) for line in lines] == [row["lpips"] for row in rows]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out.csv"]


def test_lr_images_may_be_given(images: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lr"
    folder.mkdir()
    for name in ("a.png", "bx2.png"):
        Image.new("RGB", (32, 24)).save(folder / name)
    words = ("bicubic", "--dataset", images, "--scale", "2", "--json")
    given = json.loads(run(*words, "--lr", folder).stdout)
    made = json.loads(run(*words).stdout)
    assert (given["lr"], made["lr"]) == ("given", "matlab-bicubic")
    assert given["results"][0]["psnr"] < made["results"][0]["psnr"]


def test_without_the_weights_of_lpips_the_rest_is_shown(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perceptual, "checkpoints_folder", lambda: tmp_path / "nowhere")
    result = run("bicubic", "--dataset", images, "--scale", "2", "--lpips", "--json")
    assert result.exit_code == 0
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("hint: LPIPS is left out, ")
    assert "--lpips-weights" in result.stderr
    (measured,) = json.loads(result.stdout)["results"]
    assert measured["psnr"] > 20
    assert measured["lpips"] is None


def test_refuses_mistakes_before_working(images: Path, network: Path, tmp_path: Path) -> None:
    mine = ("--dataset", images)
    error: SrkitError
    error = refusal("bicubic", *mine)
    assert isinstance(error, ConfigError)
    assert "--scale is needed" in str(error)
    assert "at least 1, got 0" in str(refusal("bicubic", *mine, "--scale", "0"))
    assert "enlarges by 2, not by 4" in str(refusal(network, *mine, "--scale", "4"))
    assert "unknown protocol 'y'" in str(refusal("bicubic", *mine, "--protocol", "y"))
    assert "'abacus' is not available" in str(refusal(network, *mine, "--device", "abacus"))
    assert isinstance(refusal("no-such-model", *mine), CheckpointError)
    error = refusal("bicubic", "--dataset", "Set14", "--scale", "2", "--data-root", tmp_path)
    assert isinstance(error, DataError)
    assert str(error).startswith(f"Set14: not found under {tmp_path} ")
    error = refusal("bicubic", *mine, *mine, "--scale", "2", "--lr", images)
    assert "--lr holds the LR images of one set, got 2" in str(error)
    error = refusal("bicubic", *mine, "--scale", "2", "--csv", tmp_path / "no" / "out.csv")
    assert "not a file in an existing folder" in str(error)
    weights = tmp_path / "missing.safetensors"
    error = refusal("bicubic", *mine, "--scale", "2", "--lpips-weights", weights)
    assert str(error) == f"{weights}: no such file or directory"


@pytest.fixture
def family(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Release wave-x2 and wave-x4, and lone-x2."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name, scale in (("wave-x2", 2), ("wave-x4", 4), ("lone-x2", 2)):
        module = build_model("sr_network", {"scale": scale, "features": 8, "blocks": 1})
        checkpoint.save(shelf / f"{name}.safetensors", module, Card(name=name))
    monkeypatch.setattr(checkpoint, "checkpoints_folder", lambda: shelf)


@pytest.mark.usefixtures("family")
def test_a_family_is_its_model_of_the_scale(images: Path, network: Path) -> None:
    def measured(*words: str | Path) -> list[str]:
        result = run(*words, "--dataset", images, "--json")
        assert result.exit_code == 0, result.output
        return [one["model"] for one in json.loads(result.stdout)["results"]]

    assert measured("bicubic", "wave", "--scale", "4") == ["bicubic", "wave-x4"]
    assert measured("wave", "bicubic", network) == ["wave-x2", "bicubic", "tiny-x2"]
    assert measured("wave", "lone") == ["wave-x2", "lone-x2"]


@pytest.mark.usefixtures("family")
def test_a_family_without_a_scale_names_its_models(images: Path) -> None:
    error = refusal("bicubic", "wave", "--dataset", images)
    assert str(error) == "wave: a family of models of several scales"
    assert error.hint == "--scale, or one of wave-x2, wave-x4"
    error = refusal("wave", "--dataset", images, "--scale", "3")
    assert str(error) == "wave: a family of models without one that enlarges by 3"
    assert error.hint == "one of wave-x2, wave-x4"
    error = refusal("wav", "--dataset", images, "--scale", "3")
    assert str(error.hint).startswith("did you mean 'wave'? choose a file or one of: bicubic, ")


def test_importing_the_command_imports_no_torch() -> None:
    code = (
        "import sys, srkit.cli.eval; sys.exit(int('torch' in sys.modules or 'cv2' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_two_files_of_one_name_are_told_apart(images: Path, network: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(network.read_bytes())
    report = json.loads(run(network, other, "--dataset", images, "--json").stdout)
    assert [one["model"] for one in report["results"]] == ["tiny-x2", str(other)]


def test_bands_that_are_no_rgb_are_measured_over_all_of_them(tmp_path: Path, images: Path) -> None:
    torch.manual_seed(0)
    paths = {}
    for bands in (4, 5):
        paths[bands] = tmp_path / f"{bands}.safetensors"
        settings = {"scale": 2, "features": 8, "convolutions": 2, "image_channels": bands}
        network = build_model("dwsr", settings)
        checkpoint.save(paths[bands], network, Card(name=f"bands-{bands}"))
    folder = tmp_path / "fields"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 3000, (32, 34, 5)).astype(np.uint16)
    tifffile.imwrite(folder / "a.tif", pixels, photometric="minisblack", planarconfig="contig")
    result = run(paths[5], "bicubic", "lanczos", "--dataset", folder)
    assert result.exit_code == 0, result.output
    assert "sr-bands: all bands, crop 2" in result.stdout
    assert [line.split()[2] for line in result.stdout.splitlines()[-3:]] == [
        "bands-5",
        "bicubic",
        "lanczos",
    ]
    assert "compares RGB images, not 5 bands" in str(
        refusal(paths[5], "--dataset", folder, "--protocol", "sr-rgb")
    )
    assert "takes 5 bands, the model before it 4" in str(
        refusal(paths[4], paths[5], "--dataset", folder)
    )
    assert "--lpips compares RGB images" in str(refusal(paths[5], "--dataset", folder, "--lpips"))
    assert "has 3 bands, not 5" in str(refusal(paths[5], "--dataset", images))
