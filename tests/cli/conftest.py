"""The command line, run in this process: exit code, stdout and stderr as a shell would see them."""

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

from srkit.cli.main import run


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


Srkit = Callable[..., Done]


@pytest.fixture
def srkit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Srkit:
    def command(*words: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["srkit", *map(str, words)])
        with warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
            run()
        assert isinstance(ended.value.code, int)
        return Done(ended.value.code, *capsys.readouterr())

    return command


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with two photographs in `images`, and nothing else."""
    (tmp_path / "images").mkdir()
    Image.fromarray(data.astronaut()[:96, 150:260]).save(tmp_path / "images" / "a.png")
    Image.fromarray(data.chelsea()[50:140, 100:190]).save(tmp_path / "images" / "b.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SRKIT_DATA", raising=False)
    return tmp_path
