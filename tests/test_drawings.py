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


def test_fine_lines_are_smoothed_and_mostly_pale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photographs").mkdir()
    drawn = tmp_path / "drawn"
    words = ("--count", "16", "--kinds", "fine_lines")
    draw(monkeypatch, tmp_path / "photographs", drawn, *words)  # needs no photograph
    sources = find_sources(drawn / "HR", 4, lr_folder=drawn / "LR")
    smoothed, contrasts = 0, []
    for source in sources:
        pair = source.load(4)
        height, width = pair.lr.shape[:2]
        means = pair.hr.reshape(height, 4, width, 4, 3).mean((1, 3))
        # Means of means, rounded twice; compressed and noisy ones are further away.
        smoothed += np.abs(pair.lr - means).max() <= 1
        ground = np.median(pair.hr.reshape(-1, 3), axis=0)
        away = np.abs(pair.hr - ground).max(axis=2)
        contrasts += away[away > 12].tolist()
    assert len(sources) == 16
    assert smoothed >= 6
    assert np.median(contrasts) < 90


def test_worn_photographs_and_scans_are_clean_at_full_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photographs").mkdir()
    astronaut = data.astronaut()
    Image.fromarray(astronaut).save(tmp_path / "photographs" / "a.png")
    worn, drawn = (tmp_path / kind for kind in ("worn_photograph", "scan"))
    for target in (worn, drawn):
        draw(monkeypatch, tmp_path / "photographs", target, "--count", "8", "--kinds", target.name)
    for folder in (worn, drawn):
        sources = find_sources(folder / "HR", 4, lr_folder=folder / "LR")
        assert len(sources) == 8
        for source in sources:
            pair = source.load(4)
            if folder == worn:  # the photograph itself, cut out
                rows, columns = np.nonzero((astronaut == pair.hr[0, 0]).all(axis=2))
                height, width = pair.hr.shape[:2]
                cuts = (
                    astronaut[top : top + height, left : left + width]
                    for top, left in zip(rows, columns, strict=True)
                )
                assert any(np.array_equal(cut, pair.hr) for cut in cuts)
            else:  # gray, and of one level where nothing is printed
                assert (np.ptp(pair.hr, axis=2) == 0).all()
                paper = np.bincount(pair.hr[..., 0].ravel()).argmax()
                assert (pair.hr[..., 0] == paper).mean() > 0.1
            shrunk = imresize_uint8(np.ascontiguousarray(pair.hr), 0.25).astype(float)
            assert 0.5 < np.sqrt(np.square(pair.lr - shrunk).mean()) < 24
