"""`srkit import-config`: an option file of another framework becomes one that `train` takes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from srkit.training.config_check import parse_config
from srkit.training.config_file import read_config

Srkit = Callable[..., Any]
FILES = Path(__file__).resolve().parents[1] / "data" / "option_files"
# What makes a step of it quick enough for a test, and nothing that the file decides.
QUICK = ["--no-compile", "--batch-size", "1", "--patch-size", "16"]


@pytest.mark.parametrize("name", ["basicsr", "real_esrgan", "trainner_redux"])
def test_the_result_is_a_configuration_that_train_takes(
    srkit: Srkit, place: Path, name: str
) -> None:
    done = srkit("import-config", FILES / f"{name}.yml", "-o", "run.yml")
    assert (done.code, done.stdout) == (0, "")
    config = parse_config(read_config(Path("run.yml")))
    (place / "small").mkdir()
    for path in (place / "images").iterdir():
        with Image.open(path) as hr:
            hr.resize((hr.width // 4, hr.height // 4)).save(place / "small" / path.name)
    training, scored = config.datasets.train, config.datasets.val
    for root in (*training.dataroot_gt, *(one.dataroot_gt for one in scored)):
        Path(root).parent.mkdir(parents=True, exist_ok=True)
        Path(root).symlink_to(place / "images")
    for root in filter(None, (*(training.dataroot_lq or ()), *(one.dataroot_lq for one in scored))):
        Path(root).parent.mkdir(parents=True, exist_ok=True)
        Path(root).symlink_to(place / "small")
    run = srkit("train", "--config", "run.yml", "--dry-run", "--json", *QUICK)
    assert run.code == 0, run.stderr
    found = json.loads(run.stdout)
    assert (found["name"], found["scale"]) == (config.name, 4)
    assert found["steps"] == config.train.total_iter


def test_what_is_left_out_is_said_on_stderr_and_at_the_top(srkit: Srkit, place: Path) -> None:
    done = srkit("import-config", FILES / "basicsr.yml")
    told = done.stderr.splitlines()
    assert told[0] == ("srkit: not carried over: model_type (the model decides how it is trained)")
    assert len(told) == 15
    head, _, body = done.stdout.partition("\n\n")
    assert head.splitlines() == [
        "# translated from basicsr.yml by srkit import-config",
        *(f"# {line.removeprefix('srkit: ')}" for line in told),
    ]
    assert body.startswith("# Name of the run, its folder and its checkpoint.\nname: 201_EDSR")
    Path("run.yml").write_text(done.stdout)
    assert srkit("import-config", FILES / "basicsr.yml", "-o", "same.yml").code == 0
    assert Path("same.yml").read_text() == done.stdout


def test_what_has_to_be_replaced_is_said_first(srkit: Srkit, place: Path) -> None:
    Path("options.yml").write_text(
        "scale: 2\nnum_gpu: 1\ndatasets: {train: {dataroot_gt: DIV2K/hr.lmdb}}\n"
        "network_g: {type: lapwave-s}\n"
    )
    done = srkit("import-config", "options.yml")
    told = [
        "to be replaced before training: datasets.train.dataroot_gt "
        "(srkit reads no LMDB: give the folder of its images)",
        "not carried over: num_gpu (torchrun says how many processes there are)",
    ]
    assert done.stderr.splitlines() == [f"srkit: {line}" for line in told]
    assert done.stdout.splitlines()[1:3] == [f"# {line}" for line in told]
    assert "dataroot_gt: [DIV2K/hr.lmdb]\n" in done.stdout


def test_a_result_that_is_there_stays_unless_asked(srkit: Srkit, place: Path) -> None:
    Path("run.yml").write_text("mine")
    done = srkit("import-config", FILES / "basicsr.yml", "-o", "run.yml")
    assert done.code == 2
    assert done.stderr == ("srkit: --output run.yml: exists already\nhint: --existing overwrite\n")
    assert Path("run.yml").read_text() == "mine"
    words = ["-o", "run.yml", "--existing", "overwrite"]
    assert srkit("import-config", FILES / "basicsr.yml", *words).code == 0
    assert read_config(Path("run.yml"))["scale"] == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x", "options.yml: has no datasets.train, so it is no training option file of"),
        ("a: !!python/object:os.system x", "options.yml: values of the kind !!python/object"),
        ("", "options.yml: empty"),
        (
            "scale: 3\ndatasets: {train: {dataroot_gt: x, gt_size: 100}}",
            "options.yml: datasets.train.gt_size: an HR patch must be a multiple of the scale 3",
        ),
    ],
)
def test_a_file_that_cannot_be_translated_is_one_line(
    srkit: Srkit, place: Path, text: str, message: str
) -> None:
    Path("options.yml").write_text(text)
    done = srkit("import-config", "options.yml", "-o", "run.yml")
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"srkit: {message}")
    assert not Path("run.yml").exists()


def test_a_place_that_cannot_be_written_is_one_line(srkit: Srkit, place: Path) -> None:
    for output, reason in (("images", "Is a directory"), ("absent/run.yml", "No such file")):
        words = ["-o", output, "--existing", "overwrite"]
        done = srkit("import-config", FILES / "basicsr.yml", *words)
        assert done.code == 2
        assert done.stderr.startswith(f"srkit: --output {output}: cannot be written: {reason}")
        assert len(done.stderr.splitlines()) == 1
