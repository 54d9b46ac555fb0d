"""The command line as a whole: one line an error, exit codes, both spellings of an option."""

import subprocess
import sys
from pathlib import Path

import pytest


def srkit(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from srkit.cli.main import run; run()", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["upscale"], "Missing argument 'INPUT'", "srkit upscale --help"),
        (["evl"], "No such command 'evl'. Did you mean 'eval'?", "srkit --help"),
        (["train"], "Missing option '--dataset'", "srkit train --help"),
        (
            ["train", "--dataset", "absent"],
            "--dataset absent: no such folder, and no data set srkit knows by name",
            "DIV2K, or a folder of images",
        ),
        (
            ["train", "--dataset", ".", "--steps", "0"],
            "steps: input should be greater than 0, got 0",
            None,
        ),
        (
            ["train", "--dataset", ".", "--set", "attention"],
            "--set attention: expected key=value",
            None,
        ),
        (
            ["train", "--dataset", ".", "--set", "atention=se"],
            "sr_network has no setting 'atention': choose one of scale, image_channels, features, "
            "blocks, entrance, block, attention, head",
            "did you mean 'attention'?",
        ),
        (
            ["train", "--dataset", ".", "--model", "lapwave"],
            "unknown model 'lapwave': choose one of lapwave-s, lapwave-m, sr_network, lpae, lpsr",
            "did you mean 'lapwave-s'?",
        ),
        (
            ["train", "--dataset", "."],
            ".: no images in this folder",
            "PNG, JPEG, WebP, BMP or TIFF",
        ),
        (
            ["upscale", "absent.png", "-o", "out.png", "--tile", "-3"],
            None,
            None,
        ),
    ],
)
def test_a_misuse_is_one_line_and_a_hint(
    tmp_path: Path, words: list[str], message: str | None, hint: str | None
) -> None:
    done = srkit(*words, folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    first, *rest = done.stderr.splitlines()
    assert first.startswith("srkit: ")
    if message is not None:
        assert first == f"srkit: {message}"
        assert rest == ([f"hint: {hint}"] if hint else [])
    assert not list(tmp_path.iterdir())


def test_options_may_be_spelled_with_underscores(tmp_path: Path) -> None:
    done = srkit("train", "--dataset", "absent", "--batch_size", "2", folder=tmp_path)
    assert "no such folder" in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = srkit("--debug", "train", "--dataset", "absent", folder=tmp_path)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("words", [[], ["--help"], ["train", "-h"]])
def test_help_goes_to_stdout(tmp_path: Path, words: list[str]) -> None:
    done = srkit(*words, folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: srkit")
    assert done.stderr == ""


def test_the_version_is_the_package_s(tmp_path: Path) -> None:
    assert srkit("--version", folder=tmp_path).stdout == "srkit 0.1.0\n"
