"""`srkit train --dataset DIV2K` from the download to a checkpoint that enlarges.

The site is on this machine and its archives hold a few small images; all else is as it is.
"""

import functools
import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

import srkit as front_door
from srkit.data import div2k
from srkit.data.pairs import bicubic, find_sources
from srkit.images.image import Samples

Srkit = Callable[..., Any]
SMALL = ("--set", "network_g.features=8", "--set", "network_g.blocks=1")
FEW = ("--steps", "4", "--patch-size", "16", "--batch-size", "2")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Serve DIV2K's HR and x4 archives; give the list of what is asked for."""
    crops = [data.astronaut()[:120, 150:270], data.chelsea()[50:146, 100:220]]
    photographs = {f"{number:04d}": crop for number, crop in enumerate(crops, 1)}
    folder = tmp_path / "site"
    folder.mkdir()
    hr = {f"DIV2K_train_HR/{n}.png": one for n, one in photographs.items()}
    monkeypatch.setitem(div2k.HR, "train", publish(folder, div2k.HR["train"], hr))
    key = ("train", "bicubic", 4)
    lr = {
        f"DIV2K_train_LR_bicubic/X4/{n}x4.png": bicubic(one, 1 / 4)
        for n, one in photographs.items()
    }
    monkeypatch.setitem(div2k.LR, key, publish(folder, div2k.LR[key], lr))
    monkeypatch.setitem(
        div2k.HR,
        "valid",
        publish(
            folder,
            div2k.HR["valid"],
            {f"DIV2K_valid_HR/08{n[2:]}.png": one for n, one in photographs.items()},
        ),
    )
    key = ("valid", "mild", 4)
    mild = {f"DIV2K_valid_LR_mild/08{n[2:]}x4m.png": mean(one) for n, one in photographs.items()}
    monkeypatch.setitem(div2k.LR, key, publish(folder, div2k.LR[key], mild))
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("SRKIT_DIV2K_URL", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield asked
        server.shutdown()
        thread.join()


def mean(image: Samples) -> Samples:
    """Shrink by the mean of 4x4 pixels, which is not bicubic."""
    height, width = image.shape[0] // 4, image.shape[1] // 4
    found: Samples = image.reshape(height, 4, width, 4, 3).mean((1, 3)).round().astype(np.uint8)
    return found


def publish(site: Path, archive: div2k.Archive, images: dict[str, Samples]) -> div2k.Archive:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, pixels in images.items():
            with file.open(name, "w") as entry:
                Image.fromarray(pixels).save(entry, "PNG")
    (site / f"{archive.name}.zip").write_bytes(buffer.getvalue())
    md5 = hashlib.md5(buffer.getvalue()).hexdigest()  # noqa: S324 - DIV2K's checksums are MD5
    return replace(archive, md5=md5, images=len(images))


def test_a_run_downloads_prepares_trains_and_leaves_a_model(
    place: Path, site: list[str], srkit: Srkit
) -> None:
    done = srkit("train", "--dataset", "DIV2K", "-n", "lapwave-s", "-s", "4", *SMALL, *FEW)
    assert done.code == 0, done.stderr
    checkpoint = Path(done.stdout.strip())
    assert checkpoint == Path("experiments/lapwave-s-x4/models/lapwave-s-x4.safetensors")
    assert site == ["/DIV2K_train_HR.zip"]
    for line in (
        "downloading DIV2K_train_HR to datasets/DIV2K (DIV2K: academic use only)",
        "unpacking DIV2K_train_HR.zip",
        "no validation: Set5 is not under datasets",
    ):
        assert line in done.stderr
    images = place / "datasets" / "DIV2K"
    names = {path.name for path in images.iterdir() if not path.name.startswith(".")}
    assert names == {"DIV2K_train_HR"}

    model = front_door.load(checkpoint).module
    assert model.scale == 4
    enlarged = model(torch.rand(1, 3, 9, 7))
    assert enlarged.shape == (1, 3, 36, 28)
    assert bool(enlarged.isfinite().all())

    Image.fromarray(np.ascontiguousarray(data.coffee()[:24, :32])).save(place / "small.png")
    upscaled = srkit("upscale", "small.png", "-n", checkpoint, "-o", "large.png")
    assert upscaled.code == 0, upscaled.stderr
    assert Image.open(place / "large.png").size == (128, 96)

    again = srkit("train", "--dataset", "div2k", "-n", "lapwave-s", "-s", "4", *SMALL, *FEW,
                  "--name", "again")  # fmt: skip
    assert again.code == 0, again.stderr
    assert site == ["/DIV2K_train_HR.zip"]
    assert "downloading" not in again.stderr
    first, second = (
        front_door.load(Path(f"experiments/{name}/models/{name}.safetensors")).module.state_dict()
        for name in ("lapwave-s-x4", "again")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_official_lr_images_that_are_matlabs_give_the_very_same_model(
    place: Path, site: list[str], srkit: Srkit
) -> None:
    models = []
    for name, track in (("made", []), ("official", ["--lr-track", "bicubic"])):
        done = srkit("train", "--dataset", "DIV2K", "-n", "lapwave-s", "-s", "4", *SMALL, *FEW,
                     "--name", name, "--set", "datasets.train.cache=disk",
                     "--set", "datasets.train.sub_image_size=64", *track)  # fmt: skip
        assert done.code == 0, done.stderr
        models.append(front_door.load(Path(done.stdout.strip())).module.state_dict())
    assert site == ["/DIV2K_train_HR.zip", "/DIV2K_train_LR_bicubic_X4.zip"]
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])
    assert len(list((place / "experiments" / "prepared").glob("*.images"))) == 2


def test_a_model_is_scored_on_official_lr_images_of_the_track(
    place: Path, site: list[str], srkit: Srkit
) -> None:
    words = ["train", "--dataset", "DIV2K", "-n", "lapwave-s", "-s", "4", *SMALL, *FEW]
    psnr = {}
    for track, words_of in (("bicubic", []), ("mild", ["--set", "datasets.val.0.lr_track=mild"])):
        done = srkit(*words, "--validation", "DIV2K-valid", *words_of, "--name", track)
        assert done.code == 0, done.stderr
        card = front_door.load(Path(done.stdout.strip())).card
        psnr[track] = card.scores[0]["psnr"]
    assert site == [f"/DIV2K_{name}.zip" for name in ("valid_HR", "train_HR", "valid_LR_mild")]
    images = place / "datasets" / "DIV2K"
    lr = images / "DIV2K_valid_LR_mild"
    sources = find_sources(images / "DIV2K_valid_HR", 4, lr_folder=lr)
    assert [source.lr for source in sources] == [lr / "0801x4m.png", lr / "0802x4m.png"]
    assert psnr["mild"] != psnr["bicubic"]
    refused = srkit(*words, "--validation", "datasets/DIV2K/DIV2K_valid_HR", "--set",
                    "datasets.val.0.lr_track=mild", "--name", "x")  # fmt: skip
    assert refused.code == 2
    assert "mild is a track of DIV2K-valid" in refused.stderr


def test_a_download_that_fails_is_one_line_and_starts_no_run(
    place: Path, site: list[str], srkit: Srkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(div2k.HR, "train", replace(div2k.HR["train"], md5="0" * 32))
    done = srkit("train", "--dataset", "DIV2K", "-n", "lapwave-s", "-s", "4", *SMALL, *FEW)
    assert done.code == 2
    *_, message, hint = done.stderr.splitlines()
    assert message.startswith("srkit: http://127.0.0.1:")
    assert message.endswith(f"the file that arrived does not have the checksum md5:{'0' * 32}")
    assert hint.startswith("hint: run the command again, or put the right file at ")
    assert not (place / "experiments").exists()
    assert not list((place / "datasets").rglob("*.[zp]*"))
