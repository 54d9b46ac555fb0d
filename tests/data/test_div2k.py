"""DIV2K from a server that has small images in the layout of the real archives."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from srkit.data import div2k
from srkit.data.datasets import (
    DIV2K_SUB_IMAGES,
    TrainingFolder,
    fetch_folders,
    find_folders,
    resolve_dataset,
)
from srkit.data.pairs import bicubic
from srkit.data.training_set import load_training_set
from srkit.errors import ConfigError
from srkit.images.image import Samples

from .mirror import Mirror, png

Photographs = dict[str, Samples]


def shrunk(photograph: Samples, scale: int, level: int = 0) -> bytes:
    """Shrink as MATLAB does; `level` marks one of several."""
    small = bicubic(photograph, 1 / scale).astype(np.uint8)
    small[0, 0] = level
    return png(small)


@pytest.fixture
def photographs() -> Photographs:
    return {
        "0001": np.ascontiguousarray(data.astronaut()[:96, :120]),
        "0002": np.ascontiguousarray(data.chelsea()[:72, :96]),
        "0003": np.ascontiguousarray(data.coffee()[:96, :72]),
    }


@pytest.fixture
def served(mirror: Mirror, photographs: Photographs, monkeypatch: pytest.MonkeyPatch) -> Mirror:
    """Put small archives in the place of DIV2K's, at a mirror of its site."""
    hr = {
        f"DIV2K_train_HR/{number}.png": png(photograph)
        for number, photograph in photographs.items()
    }
    monkeypatch.setitem(div2k.HR, "train", mirror.publish(div2k.HR["train"], hr))
    tracks = {
        ("bicubic", 4): ("DIV2K_train_LR_bicubic/X4", ("x4",)),
        ("unknown", 2): ("DIV2K_train_LR_unknown/X2", ("x2",)),
        ("x8", 8): ("DIV2K_train_LR_x8", ("x8",)),
        ("mild", 4): ("DIV2K_train_LR_mild", ("x4m",)),
        ("difficult", 4): ("DIV2K_train_LR_difficult", ("x4d",)),
        ("wild", 4): ("DIV2K_train_LR_wild", ("x4w1", "x4w2", "x4w3", "x4w4")),
    }
    for (track, scale), (folder, endings) in tracks.items():
        files = {
            f"{folder}/{number}{ending}.png": shrunk(photograph, scale, level)
            for number, photograph in photographs.items()
            for level, ending in enumerate(endings)
        }
        key = ("train", track, scale)
        monkeypatch.setitem(div2k.LR, key, mirror.publish(div2k.LR[key], files))
    monkeypatch.setenv("SRKIT_DIV2K_URL", mirror.address)
    return mirror


def names_under(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def fetched(
    roots: list[str], *, scale: int, lr_track: str, data_root: Path
) -> list[TrainingFolder]:
    """Find folders and download what they lack, as a run does."""
    folders = find_folders(roots, scale=scale, lr_track=lr_track, data_root=data_root)
    fetch_folders(folders, data_root)
    return folders


@pytest.mark.parametrize("name", ["DIV2K", "div2k", "Div2K"])
def test_is_found_by_name_at_the_mirror(served: Mirror, tmp_path: Path, name: str) -> None:
    said: list[str] = []
    found = resolve_dataset(name, tmp_path / "sets", say=said.append)
    assert found == tmp_path / "sets" / "DIV2K" / "DIV2K_train_HR"
    assert names_under(found) == ["0001.png", "0002.png", "0003.png"]
    assert served.asked == [("DIV2K_train_HR.zip", None)]
    assert "academic use only" in said[0]


@pytest.mark.parametrize(
    ("track", "scale", "folder", "endings"),
    [
        ("bicubic", 4, "DIV2K_train_LR_bicubic/X4", ["x4"]),
        ("unknown", 2, "DIV2K_train_LR_unknown/X2", ["x2"]),
        ("x8", 8, "DIV2K_train_LR_x8", ["x8"]),
        ("mild", 4, "DIV2K_train_LR_mild", ["x4m"]),
        ("difficult", 4, "DIV2K_train_LR_difficult", ["x4d"]),
        ("wild", 4, "DIV2K_train_LR_wild", ["x4w1", "x4w2", "x4w3", "x4w4"]),
    ],
)
def test_the_tracks_become_pairs(
    served: Mirror,
    photographs: Photographs,
    tmp_path: Path,
    track: str,
    scale: int,
    folder: str,
    endings: list[str],
) -> None:
    (found,) = fetched(["DIV2K"], scale=scale, lr_track=track, data_root=tmp_path / "sets")
    assert found.lr == tmp_path / "sets" / "DIV2K" / folder
    assert names_under(found.lr) == [f"{n}{ending}.png" for n in photographs for ending in endings]
    assert found.sub_image_size == DIV2K_SUB_IMAGES
    parts = load_training_set([found], scale=scale, patch_size=4).parts
    assert len(parts) == len(photographs) * len(endings)
    for index, part in enumerate(parts):
        photograph = list(photographs.values())[index // len(endings)]
        np.testing.assert_array_equal(part.hr, photograph)
        assert part.lr is not None
        assert part.lr[0, 0].tolist() == [index % len(endings)] * 3
        np.testing.assert_array_equal(part.lr[1:], bicubic(photograph, 1 / scale)[1:])


def test_sides_that_the_scale_does_not_divide_are_cropped(
    served: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at x8, where many of DIV2K's LR images have a row that is not whole."""
    photograph = np.ascontiguousarray(data.astronaut()[:108, :204])
    for archives, key, name, pixels in (
        (div2k.HR, "train", "DIV2K_train_HR/0001.png", png(photograph)),
        (div2k.LR, ("train", "x8", 8), "DIV2K_train_LR_x8/0001x8.png", shrunk(photograph, 8)),
    ):
        served_archive = served.publish(archives[key], {name: pixels})  # type: ignore[index]
        monkeypatch.setitem(archives, key, served_archive)  # type: ignore[misc]
    folders = fetched(["DIV2K"], scale=8, lr_track="x8", data_root=tmp_path / "sets")
    (part,) = load_training_set(folders, scale=8, patch_size=4).parts
    np.testing.assert_array_equal(part.hr, photograph[:104, :200])
    assert part.lr is not None
    np.testing.assert_array_equal(part.lr[1:], bicubic(photograph, 1 / 8)[1:13, :25])


def test_hr_and_lr_images_are_each_downloaded_once(served: Mirror, tmp_path: Path) -> None:
    for _ in range(2):
        fetched(["DIV2K"], scale=4, lr_track="wild", data_root=tmp_path / "sets")
    asked = [name for name, _ in served.asked]
    assert asked == ["DIV2K_train_HR.zip", "DIV2K_train_LR_wild.zip"]


def test_beside_another_folder_a_track_is_div2ks_alone(served: Mirror, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    found = fetched([str(own), "DIV2K"], scale=4, lr_track="mild", data_root=tmp_path / "sets")
    assert [(folder.lr is not None, folder.sub_image_size) for folder in found] == [
        (False, 0),
        (True, DIV2K_SUB_IMAGES),
    ]


def test_without_a_mirror_the_address_is_its_makers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "srkit.data.datasets.fetch", lambda archive, address, root, *, say: asked.append(address)
    )
    for value in (None, "", "http://127.0.0.1:9/"):
        if value is None:
            monkeypatch.delenv("SRKIT_DIV2K_URL", raising=False)
        else:
            monkeypatch.setenv("SRKIT_DIV2K_URL", value)
        resolve_dataset("DIV2K-valid")
    makers = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
    assert asked == [makers, makers, "http://127.0.0.1:9/"]


def test_tracks_and_scales_that_are_not_there_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        div2k.lr_archive("train", "mid", 4)
    assert str(caught.value) == (
        "unknown lr_track 'mid': choose one of bicubic, unknown, x8, mild, difficult, wild"
    )
    assert caught.value.hint == "did you mean 'mild'?"
    with pytest.raises(ConfigError, match=r"bicubic track has LR images for scale 2, 3, 4, not 8"):
        div2k.lr_archive("train", "bicubic", 8)
    with pytest.raises(ConfigError, match=r"x8 track has LR images for scale 8, not 4"):
        div2k.lr_archive("valid", "x8", 4)


def test_the_table_is_complete_and_without_a_repetition() -> None:
    archives = [*div2k.HR.values(), *div2k.LR.values()]
    assert len(archives) == 22
    assert len({archive.md5 for archive in archives}) == 22
    assert len({archive.name for archive in archives}) == 22
    assert all(len(bytes.fromhex(archive.md5)) == 16 for archive in archives)
    for (split, track, _), archive in div2k.LR.items():
        expected = {"train": 800, "valid": 100}[split]
        assert archive.images == (4 * expected if (split, track) == ("train", "wild") else expected)
    assert div2k.HR["train"] == replace(
        div2k.HR["train"],
        name="DIV2K_train_HR",
        folder="DIV2K_train_HR",
        md5="bdc2d9338d4e574fe81bf7d158758658",
        images=800,
    )
