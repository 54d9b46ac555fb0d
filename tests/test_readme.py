"""The README's commands are run as they stand; its links lead somewhere."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from srkit.data.pairs import bicubic
from srkit.evaluation.metrics import measure

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip() and not line.startswith("#")
]


def srkit(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from srkit.cli.main import run; run()", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder in which the commands find what a fresh clone holds, and the sets they name."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("photos", "datasets/Set5", "datasets/Set14", "my_hr_images"):
        (tmp_path / name).mkdir(parents=True)
        for index, (top, left) in enumerate([(60, 130), (20, 200)]):
            crop = data.chelsea()[top : top + 96, left : left + 128]
            Image.fromarray(crop).save(tmp_path / name / f"{index}.png")
    Image.fromarray(data.chelsea()[60:130, 130:220]).save(tmp_path / "photo.jpg")
    return tmp_path


def test_the_first_command_enlarges_the_photograph_better_than_bicubic(checkout: Path) -> None:
    install, upscale = COMMANDS[0].split(" && ")
    assert install == "pip install ."
    words = shlex.split(upscale)
    assert words.pop(0) == "srkit"
    done = srkit(words, checkout)
    assert done.returncode == 0, done.stderr
    small = np.asarray(Image.open(checkout / "docs/images/photograph.png"))
    large = np.asarray(Image.open(checkout / words[words.index("-o") + 1]))
    hr = data.coffee()
    ours = measure(large, hr, scale=4, protocol="sr-y").psnr
    theirs = measure(bicubic(small, 4), hr, scale=4, protocol="sr-y").psnr
    assert ours > theirs + 0.5


def test_the_second_command_installs_the_test_extra_and_runs_the_tests() -> None:
    assert COMMANDS[1] == "pip install '.[test]' && python -m pytest -n 2"


@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if c.startswith("srkit ") and not c.startswith("srkit demo")]
)
def test_the_other_commands_do_what_they_say(command: str, checkout: Path) -> None:
    words = shlex.split(command, comments=True)[1:]
    if words[0] == "train":
        if "DIV2K" in words:  # gigabytes from far away; tests/data/test_datasets.py has a mirror
            words[words.index("DIV2K")] = "my_hr_images"
        words += ["--steps", "2", "--patch-size", "16", "--batch-size", "2"]
    done = srkit(words, checkout)
    assert done.returncode == 0, done.stderr


def test_the_python_example_runs(checkout: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    missing = [li for li in links if not li.startswith("http") and not (ROOT / li).exists()]
    assert missing == []
