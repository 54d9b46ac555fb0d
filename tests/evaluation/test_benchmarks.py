"""Benchmark sets are found by name, or it is said where they were looked for."""

from pathlib import Path

import pytest
from PIL import Image

from srkit.errors import DataError
from srkit.evaluation.benchmarks import find_dataset


def put_image(folder: Path) -> Path:
    folder.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    return folder


@pytest.mark.parametrize("place", ["Set5", "Set5/HR", "benchmarks/Set5", "benchmark/Set5/HR"])
def test_finds_the_usual_layouts(tmp_path: Path, place: str) -> None:
    folder = put_image(tmp_path / place)
    found = find_dataset("set5", tmp_path)
    assert (found.name, found.folder, found.expected) == ("Set5", folder, 5)


def test_knows_the_other_names_of_b100(tmp_path: Path) -> None:
    put_image(tmp_path / "BSD100")
    assert find_dataset("B100", tmp_path) == find_dataset("bsds100", tmp_path)
    assert find_dataset("B100", tmp_path).name == "B100"


def test_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Urban100").mkdir()  # empty: as good as missing
    with pytest.raises(DataError) as caught:
        find_dataset("Urban100", tmp_path)
    assert str(caught.value) == (
        f"Urban100: not found under {tmp_path} (looked for Urban100, Urban100/HR, "
        "benchmarks/Urban100, benchmarks/Urban100/HR, benchmark/Urban100, benchmark/Urban100/HR)"
    )
    assert "--data-root" in str(caught.value.hint)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="not found under datasets "):
        find_dataset("Manga109")


def test_takes_the_validation_images_of_div2k(tmp_path: Path) -> None:
    there = find_dataset("div2k-valid", tmp_path)  # looks, but downloads nothing
    assert (there.name, there.expected) == ("DIV2K-valid", 100)
    assert there.folder == tmp_path / "DIV2K" / "DIV2K_valid_HR"
    assert not list(tmp_path.iterdir())
    folder = put_image(there.folder)
    with pytest.raises(DataError, match="holds 1 PNG images, DIV2K_valid_HR has 100"):
        find_dataset("div2k-valid", tmp_path)
    for number in range(99):
        (folder / f"{number}.png").write_bytes((folder / "a.png").read_bytes())
    found = find_dataset("div2k-valid", tmp_path)
    assert (found.name, found.folder, found.expected) == ("DIV2K-valid", folder, 100)
    assert found.shortfall() is None
    found.fetch(tmp_path)  # nothing to do


def test_a_set_with_images_missing_says_so(tmp_path: Path) -> None:
    put_image(tmp_path / "Set5")
    assert find_dataset("Set5", tmp_path).shortfall() == (
        f"Set5 has 5 images, {tmp_path / 'Set5'} holds 1: not comparable with published numbers"
    )
    assert find_dataset(str(tmp_path / "Set5")).shortfall() is None


def test_takes_any_folder(tmp_path: Path) -> None:
    folder = put_image(tmp_path / "mine")
    found = find_dataset(str(folder))
    assert (found.name, found.folder, found.expected) == ("mine", folder, None)
    with pytest.raises(DataError, match="other: no such folder") as caught:
        find_dataset(str(tmp_path / "other"))
    assert "Set5, Set14, B100, Urban100, Manga109" in str(caught.value.hint)
    with pytest.raises(DataError, match=r"a\.png: a file, not a folder"):
        find_dataset(str(folder / "a.png"))
