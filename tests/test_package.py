"""The package as a user gets it: the wheel holds the models, and `--help` is quick to answer."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_checkpoint_and_the_demo(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    shipped = {f"srkit/checkpoints/{p.name}" for p in (ROOT / "checkpoints").glob("*.safetensors")}
    assert shipped
    assert shipped <= names
    assert "srkit/app.py" in names


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"srkit"}
    assert not [name for name in wheel.namelist() if "in-training" in name]


def test_checkpoints_are_found_from_any_folder(tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-c", "import srkit; print(*srkit.list_models())"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    shipped = {p.stem for p in (ROOT / "checkpoints").glob("*.safetensors")} - {"lpips-alexnet"}
    assert set(listed.stdout.split()) == shipped


@pytest.mark.parametrize("command", [["--help"], ["upscale", "--help"], ["train", "--help"]])
def test_help_loads_no_torch(command: list[str], tmp_path: Path) -> None:
    """What makes `srkit --help` quick: importing torch alone takes seconds."""
    script = (
        "import sys; from srkit.cli.main import app\n"
        f"try: app({command!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'PIL', 'gradio', 'cv2'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    asked = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    assert "Usage" in asked.stdout
