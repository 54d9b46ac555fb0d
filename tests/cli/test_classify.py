"""`srkit classify`: labels on stdout, failures on stderr, one bad image stops nothing."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from srkit import checkpoint
from srkit.checkpoint import Card
from srkit.images import read_image, to_tensor
from srkit.models import build_classifier

Srkit = Callable[..., Any]


def classifier(path: Path, **settings: Any) -> Path:
    torch.manual_seed(0)
    small = {"depth": 1.0, "width": 0.2, "image_size": 16, "pooling": "global"}
    given = {"classes": ["cat", "dog", "[été]"], **small, **settings}
    checkpoint.save(path, build_classifier("wrn_eca", given), Card(name="tiny"))
    return path


@pytest.fixture
def one_label(place: Path) -> Path:
    return classifier(place / "one.safetensors")


@pytest.fixture
def labels(place: Path) -> Path:
    return classifier(place / "several.safetensors", multi_label=True)


def chances(model: Path, image: Path) -> dict[str, float]:
    """Compute what the command should print, of an image that has the network's size."""
    network = checkpoint.load_classifier(model).module
    with torch.no_grad():
        row = network.probabilities(to_tensor(read_image(image).colour))[0]
    return dict(zip(network.classes, row.tolist(), strict=True))


@pytest.fixture
def square(place: Path) -> Path:
    path = place / "square.png"
    Image.open(place / "images" / "a.png").crop((0, 0, 16, 16)).save(path)
    return path


def test_images_of_other_kinds_are_counted(srkit: Srkit, one_label: Path, place: Path) -> None:
    (place / "images" / "IMG_1.heic").touch()
    done = srkit("classify", "images", "-n", one_label)
    assert (done.code, done.stderr) == (
        0,
        "srkit: left alone: 1 file of other kinds (.heic)\n",
    )


def test_the_most_likely_class_of_each_image_is_printed(
    srkit: Srkit, one_label: Path, square: Path
) -> None:
    done = srkit("classify", "images", "square.png", "-n", one_label)
    assert (done.code, done.stderr) == (0, "")
    head, *lines = [line.split() for line in done.stdout.splitlines()]
    assert head == ["image", "class", "probability"]
    assert [line[0] for line in lines] == ["images/a.png", "images/b.png", "square.png"]
    expected = chances(one_label, square)
    best = max(expected, key=lambda name: expected[name])
    assert lines[2][1:] == [best, f"{expected[best]:.4f}"]


def test_as_many_classes_as_asked_come_as_json(srkit: Srkit, one_label: Path, square: Path) -> None:
    done = srkit("classify", square, "-n", one_label, "--top-k", "2", "--json")
    found = json.loads(done.stdout)
    assert found["refused"] == []
    (entry,) = found["classified"]
    assert entry["image"] == str(square)
    expected = sorted(chances(one_label, square).items(), key=lambda item: -item[1])[:2]
    assert [(label["name"], label["probability"]) for label in entry["labels"]] == [
        (name, pytest.approx(chance)) for name, chance in expected
    ]
    done = srkit("classify", square, "-n", one_label, "--top-k", "9", "--json")
    every = json.loads(done.stdout)["classified"][0]["labels"]
    assert sum(label["probability"] for label in every) == pytest.approx(1)
    assert len(every) == 3


def test_several_labels_are_those_from_the_threshold_on(
    srkit: Srkit, labels: Path, square: Path
) -> None:
    expected = chances(labels, square)
    middle = sorted(expected.values())[1]
    done = srkit("classify", square, "-n", labels, "--threshold", middle, "--json")
    (entry,) = json.loads(done.stdout)["classified"]
    found = {label["name"]: label["probability"] for label in entry["labels"]}
    assert set(found) == {name for name, chance in expected.items() if chance >= middle}
    done = srkit("classify", square, "-n", labels, "--threshold", "1")
    assert done.stdout.splitlines()[1].split() == [str(square), "-", "-"]


def test_one_bad_image_does_not_stop_the_others(srkit: Srkit, one_label: Path, place: Path) -> None:
    (place / "images" / "bad.png").write_bytes(b"no image")
    Image.new("RGBA", (9, 9)).save(place / "images" / "clear.png")
    bands = np.zeros((9, 9, 5), np.uint8)
    tifffile.imwrite(
        place / "images" / "five.tif", bands, photometric="minisblack", planarconfig="contig"
    )
    done = srkit("classify", "images", "-n", one_label)
    assert done.code == 1
    assert len(done.stdout.splitlines()) == 3
    lines = done.stderr.splitlines()
    assert lines[0].startswith("srkit: images/bad.png: ")
    assert lines[1].startswith("srkit: images/clear.png: has transparency")
    assert lines[2].startswith("srkit: images/five.tif: has 5 bands, not 3")
    assert len(lines) == 3
    done = srkit("classify", "images/bad.png", "-n", one_label, "--json")
    report = json.loads(done.stdout)
    assert (done.code, report["classified"]) == (1, [])
    assert report["refused"][0]["image"] == "images/bad.png"


def test_sixteen_bits_are_parts_of_their_range(
    srkit: Srkit, one_label: Path, place: Path, square: Path
) -> None:
    eight = np.asarray(Image.open(square))
    tifffile.imwrite(place / "deep.tif", eight.astype(np.uint16) * 257, photometric="rgb")
    done = srkit("classify", square, "deep.tif", "-n", one_label, "--top-k", "3", "--json")
    first, second = json.loads(done.stdout)["classified"]
    assert [label["name"] for label in first["labels"]] == [
        label["name"] for label in second["labels"]
    ]
    for one, other in zip(first["labels"], second["labels"], strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-5)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["images", "-n", "absent"], "absent: neither a file nor a released model", "hint: "),
        (["images", "-n", "lapwave-m-x2"], "lapwave-m-x2: not a classifier", "hint: srkit upscale"),
        (["absent.png", "-n", "one.safetensors"], "absent.png: no such file or folder", None),
        (["empty", "-n", "one.safetensors"], "empty: no images in this folder", None),
        (
            ["images", "-n", "one.safetensors", "--threshold", "0.3"],
            "--threshold is for classifiers of several labels, this one gives one",
            "hint: --top-k shows more classes",
        ),
        (
            ["images", "-n", "several.safetensors", "--top-k", "2"],
            "--top-k is for classifiers of one label, this one gives several",
            "hint: --threshold",
        ),
    ],
)
def test_a_misuse_is_one_line(
    srkit: Srkit,
    place: Path,
    one_label: Path,
    labels: Path,
    words: list[str],
    message: str,
    hint: str | None,
) -> None:
    (place / "empty").mkdir()
    done = srkit("classify", *words)
    assert (done.code, done.stdout) == (2, "")
    first, *rest = done.stderr.splitlines()
    assert first == f"srkit: {message}"
    assert [line.startswith(hint or "") for line in rest] == ([True] if hint else [])


@pytest.mark.parametrize("command", ["upscale", "eval"])
def test_a_classifier_makes_no_images(srkit: Srkit, one_label: Path, command: str) -> None:
    words = {
        "upscale": ["upscale", "images", "-o", "out", "-n", one_label],
        "eval": ["eval", one_label, "--dataset", "images"],
    }[command]
    done = srkit(*words)
    assert done.code == 2
    assert done.stderr.splitlines() == [
        f"srkit: {one_label}: a classifier, which makes no image",
        "hint: srkit classify",
    ]


def test_a_dry_run_says_what_a_classifier_would_take(
    srkit: Srkit, place: Path, textures: Path
) -> None:
    before = sorted(place.rglob("*"))
    words = ["train", "--task", "classify", "--dataset", textures / "train", "--dry-run"]
    for setting in ("depth=1", "width=0.25", "image_size=16", "pooling=global"):
        words += ["--set", f"network_g.{setting}"]
    done = srkit(*words, "--batch-size", 2)
    assert (done.code, done.stderr) == (0, "")
    rows = dict(re.split("  +", line, maxsplit=1) for line in done.stdout.splitlines())
    classes = [path for path in (textures / "train").iterdir() if path.is_dir()]
    images = sum(len(list(folder.iterdir())) for folder in classes)
    assert rows["run"] == f"wrn-b4-eca, wrn-b4-eca, {len(classes)} classes"
    assert rows["images"] == f"{images}"
    assert rows["a step"] == "2 images of 16x16 pixels"
    assert float(rows["multiply-adds, an image"].removesuffix(" M")) > 0
    assert float(rows["pace"].split()[0]) > 0
    assert sorted(place.rglob("*")) == before


def test_the_classes_of_a_folder_are_trained_and_told(
    srkit: Srkit, place: Path, textures: Path
) -> None:
    small = ("depth=1", "width=0.25", "image_size=16", "pooling=global")
    done = srkit(
        "train",
        "--task",
        "classify",
        *("--dataset", textures / "train"),
        *("--validation", textures / "valid"),
        *(word for setting in small for word in ("--set", f"network_g.{setting}")),
        *("--steps", 40, "--batch-size", 8, "--learning-rate", "3e-3"),
        *("--set", "train.warmup_iter=2"),
    )
    assert done.code == 0, done.stderr
    written = done.stdout.strip()
    assert written == "experiments/wrn-b4-eca/models/wrn-b4-eca.safetensors"
    done = srkit("classify", textures / "valid", "-n", written, "--json")
    entries = json.loads(done.stdout)["classified"]
    right = [entry["labels"][0]["name"] == Path(entry["image"]).parent.name for entry in entries]
    assert len(right) == 15
    assert sum(right) >= 14
    # The run goes on by its name.
    done = srkit("train", "--resume", "--name", "wrn-b4-eca")
    assert (done.code, done.stdout.strip()) == (0, written)


def test_lpae_tells_several_labels_of_images_of_six_bands(srkit: Srkit, place: Path) -> None:
    """The autoencoder first, then the classifier around it, then its labels: two of two bands."""
    random = np.random.default_rng(0)
    folder = place / "fields"
    folder.mkdir()
    lines = ["file,labels\n"]
    for index in range(16):
        wet, green = bool(index & 1), bool(index & 2)
        bands = random.integers(0, 6000, (32, 32, 6), dtype=np.uint16)
        bands[..., 0] += np.uint16(50_000 * wet)
        bands[..., 5] += np.uint16(50_000 * green)
        tifffile.imwrite(
            folder / f"{index}.tif", bands, photometric="minisblack", planarconfig="contig"
        )
        names = [name for name, there in (("wet", wet), ("green", green)) if there]
        lines.append(f"{index}.tif,{';'.join(names)}\n")
    of_six = ("--set", "network_g.image_channels=6")
    small = ("--steps", 4, "--batch-size", 4, "--patch-size", 16, "--set", "network_g.hidden=4")
    done = srkit("train", "-n", "lpae", "--dataset", folder, "--name", "ae", *of_six, *small)
    assert done.code == 0, done.stderr
    (folder / "labels.csv").write_text("".join(lines))
    done = srkit(
        *("train", "-n", "lpae-small", "--dataset", folder, "--validation", folder),
        *("--name", "fields", "--pretrained", done.stdout.strip(), *of_six),
        *("--set", "network_g.lpae_hidden=4", "--set", "network_g.features=8"),
        *("--steps", 60, "--batch-size", 8, "--learning-rate", "3e-3"),
    )
    assert done.code == 0, done.stderr
    model = done.stdout.strip()
    assert checkpoint.load_classifier(Path(model)).module.config.multi_label
    done = srkit("classify", folder, "-n", model, "--json")
    assert done.code == 0, done.stderr
    told = {
        Path(entry["image"]).name: {label["name"] for label in entry["labels"]}
        for entry in json.loads(done.stdout)["classified"]
    }
    expected = {
        name: set(filter(None, names.split(";")))
        for name, names in (line.strip().split(",") for line in lines[1:])
    }
    right = sum(told[name] == labels for name, labels in expected.items())
    assert right >= 14


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--task", "classify", "-n", "lapwave-s"], "--task classify: lapwave-s is not for that"),
        (["--task", "sr", "-n", "lpae-small"], "--task sr: lpae-small is not for that"),
        (["--task", "classify", "-s", "2"], "--scale: is not for classifiers, wrn-b4-eca is one"),
        (["--task", "classify", "--dry-run"], "images/a.png: lies in no class's folder"),
        (["--task", "classify"], "images/a.png: lies in no class's folder"),
    ],
)
def test_a_task_and_what_it_is_given_must_agree(
    srkit: Srkit, place: Path, words: list[str], message: str
) -> None:
    done = srkit("train", "--dataset", "images", *words)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[0] == f"srkit: {message}"
    assert not (place / "experiments").exists()
