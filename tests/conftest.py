"""What the tests of several rooms share: a photograph, a damaged copy, folders of images.

Torch gets one thread: on a busy machine two only wait for each other over tensors this small.
"""

import os
import secrets
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from srkit.images.image import Samples

torch.set_num_threads(1)
# The same for the commands that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a randomised test be repeated with the seed it printed."""
    parser.addoption("--seed", type=int, default=None, help="seed of randomised tests")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Give the seed of a randomised test, and print it where a failure shows it."""
    given: int | None = request.config.getoption("--seed")
    chosen = secrets.randbelow(2**32) if given is None else given
    print(f"repeat with --seed {chosen}")  # noqa: T201 - pytest shows it with a failure
    return chosen


@pytest.fixture(scope="session")
def photograph() -> Samples:
    """128 x 128 pixels of scikit-image's astronaut, whose samples sum up to 7602664."""
    crop: Samples = np.ascontiguousarray(data.astronaut()[64:192, 192:320])
    assert int(crop.sum(dtype=np.int64)) == 7602664, "scikit-image's photograph has changed"
    return crop


@pytest.fixture(scope="session")
def damaged(photograph: Samples) -> Samples:
    """Every second pixel repeated over its neighbours: no rounding that could differ."""
    return photograph[::2, ::2].repeat(2, 0).repeat(2, 1)


@pytest.fixture
def hr_folder(tmp_path: Path, photograph: Samples) -> Path:
    """Two colour images of sizes that no scale divides, and a gray one."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    Image.fromarray(photograph[:61, :73]).save(folder / "a.png")
    Image.fromarray(photograph[30:97, 20:67]).save(folder / "b.png")
    Image.fromarray(photograph[:50, :62, 1]).save(folder / "gray.png")
    (folder / "Thumbs.db").write_bytes(b"not an image")
    return folder


@pytest.fixture(scope="session")
def textures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make train/ and valid/ with a folder each of images of rows, columns and spots."""
    root = tmp_path_factory.mktemp("textures")
    random = np.random.default_rng(0)
    y, x = np.mgrid[:18, :20]
    for part, count in (("train", 10), ("valid", 5)):
        for kind in ("rows", "columns", "spots"):
            (root / part / kind).mkdir(parents=True)
            for number in range(count):
                step, phase = random.uniform(0.8, 1.4), random.uniform(0, 6, 2)
                rows, columns = np.sin(step * y + phase[0]), np.sin(step * x + phase[1])
                wave = {"rows": rows, "columns": columns, "spots": rows * columns}[kind]
                grey = 128 + 90 * wave + random.normal(0, 8, wave.shape)
                pixels = grey.clip(0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(root / part / kind / f"{number}.png")
    return root
