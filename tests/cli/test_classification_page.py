"""The commands of docs/classification.md do what the page says, with one step of training each."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

PAGE = Path(__file__).resolve().parents[2] / "docs" / "classification.md"
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
]


@pytest.mark.slow
def test_the_commands_of_the_page_work(
    srkit: Callable[..., Any], place: Path, textures: Path
) -> None:
    (place / "photos").symlink_to(place / "images")
    (place / "animals").symlink_to(textures / "train")
    (place / "animals-valid").symlink_to(textures / "valid")
    random = np.random.default_rng(0)
    for path, side in (("fields/a/1.tif", 90), ("fields/b/2.tif", 90), ("scenes/1.tif", 192)):
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 3000, (side, side, 10)).astype(np.uint16)
        tifffile.imwrite(place / path, pixels, photometric="minisblack", planarconfig="contig")
    for command in COMMANDS:
        program, *words = shlex.split(command)
        assert program == "srkit"
        less = ["--steps", "1", "--batch-size", "2"] if words[0] == "train" else []
        done = srkit(*words, *less)
        assert done.code == 0, (command, done.stderr)
    assert tifffile.imread(place / "large" / "1.tif").shape == (768, 768, 10)
