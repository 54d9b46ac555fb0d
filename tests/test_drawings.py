"""The script that draws training pictures: pairs that fit, alike for a seed."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from srkit.data.pairs import find_sources
from srkit.transforms.resize import imresize_uint8

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "draw_pictures.py"


def draw(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *map(str, words)])
    runpy.run_path(str(SCRIPT), run_name="__main__")


@pytest.mark.parametrize("scale", [2, 4])
def test_draws_pairs_that_show_the_same(
    scale: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photographs").mkdir()
    Image.fromarray(data.astronaut()).save(tmp_path / "photographs" / "a.png")
    drawn, again = tmp_path / "drawn", tmp_path / "again"
    for target in (drawn, again):
        draw(monkeypatch, tmp_path / "photographs", target, "--scale", str(scale), "--count", "8")
    sources = find_sources(drawn / "HR", scale, lr_folder=drawn / "LR")
    assert len(sources) == 8
    for source in sources:
        pair = source.load(scale)
        assert np.ptp(pair.hr) > 24
        # They are the same picture: nearer to it than its mean is, whatever was done to the LR one.
        shrunk = imresize_uint8(np.ascontiguousarray(pair.hr), 1 / scale).astype(float)
        difference = np.abs(pair.lr - shrunk).mean()
        assert difference < 0.7 * np.abs(shrunk - shrunk.mean((0, 1))).mean()
        assert source.lr is not None
        for path in (source.hr, source.lr):
            assert path.read_bytes() == (again / path.relative_to(drawn)).read_bytes()
