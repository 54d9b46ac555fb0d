"""The sheet of enlargements that are looked at by eye."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "make_harm_sheet.py"


@pytest.mark.parametrize("scale", [2, 4])
def test_each_picture_stands_beside_its_bicubic(
    scale: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["bicubic", "--scale", str(scale), "-o", str(tmp_path / "sheet.png")]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *words])
    found = runpy.run_path(str(SCRIPT), run_name="__main__")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    height, width, label = 4 * found["HEIGHT"], 4 * found["WIDTH"], found["LABEL"]
    cells = [
        sheet[top + label : top + label + height, left : left + 2 * width + 4]
        for top in range(0, len(sheet), height + label)
        for left in range(0, sheet.shape[1], 2 * width + 12)
    ]
    assert len(cells) == 18
    for cell, (name, picture) in zip(cells, found["pictures"]().items(), strict=True):
        left, right = cell[:, :width].astype(int), cell[:, width + 4 :].astype(int)
        # bicubic here on both sides; on the left it is rounded and clipped twice.
        assert np.abs(left - right).mean() < 2, name
        means = left.reshape(len(picture), 4, -1, 4, 3).mean((1, 3))
        assert np.abs(means - picture).mean() < 20, name
