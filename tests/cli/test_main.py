"""The command line as a whole: streams, exit codes, what it loads; mistakes are promise C1's."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from srkit.cli import main
from srkit.errors import ConfigError
from srkit.startup import ending_at_once

ROOT = Path(__file__).resolve().parents[2]
Srkit = Callable[..., Any]


def shell(*words: str, folder: Path, program: str = "run()") -> subprocess.CompletedProcess[str]:
    """Start a process of its own, as a shell would."""
    return subprocess.run(
        [sys.executable, "-c", f"from srkit.cli.main import run; {program}", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_loads_nothing_that_takes_time(tmp_path: Path) -> None:
    slow = ("torch", "numpy", "rich", "yaml", "PIL")
    program = f"import atexit, sys; atexit.register(lambda: print([m for m in {slow} if m in "
    program += "sys.modules], file=sys.stderr)); run()"
    for words in ([], ["--help"], ["train", "-h"], ["import-config", "-h"]):
        done = shell(*words, folder=tmp_path, program=program)
        assert done.returncode == 0
        assert done.stdout.startswith("Usage: srkit")
        assert done.stderr == "[]\n"


def test_all_commands_are_listed(srkit: Srkit) -> None:
    listed = srkit("--help").stdout
    for command in ("upscale", "eval", "train", "import-config", "models", "demo"):
        assert f"\n  {command}  " in listed


def test_a_misuse_is_told_on_stderr_with_exit_code_2(tmp_path: Path) -> None:
    done = shell("train", "--dataset", "absent", "--batch_size", "0", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "srkit: --batch-size: must be greater than 0, got 0\n"
    assert not list(tmp_path.iterdir())


def test_the_version_is_the_package_s(srkit: Srkit) -> None:
    assert srkit("--version").stdout == "srkit 0.1.0\n"


def raising(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(main, "app", fail)


def test_what_should_not_happen_is_one_line_too(
    srkit: Srkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(ZeroDivisionError("first\nsecond"), monkeypatch)
    assert srkit("train").code == 70
    assert srkit("train").stderr == (
        "srkit: unexpected ZeroDivisionError: first\n"
        "hint: a mistake of srkit's: `srkit --debug ...` shows where\n"
    )
    assert srkit("--debug", "train").stderr.startswith("Traceback (most recent call last):")


def test_names_cannot_break_a_line(srkit: Srkit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert srkit("train", "--dataset", "a\nhint: b").stderr.splitlines()[0] == (
        "srkit: a\\nhint: b: no such folder, and no data set srkit knows by name"
    )
    assert srkit("upscale", "\x1b[2J", "-o", "out").stderr == (
        "srkit: \\x1b[2J: no such file or folder\n"
    )
    raising(ConfigError("\udcff\u2028x", hint="\x07"), monkeypatch)
    assert srkit("models").stderr == "srkit: \\udcff\\u2028x\nhint: \\x07\n"


def test_what_several_files_have_wrong_with_them_is_a_list(
    srkit: Srkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(ConfigError("2 images:\n  a: small\n  b: large"), monkeypatch)
    assert srkit("train").stderr == "srkit: 2 images:\n  a: small\n  b: large\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interrupt_says_nothing(
    srkit: Srkit, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    raising(error, monkeypatch)
    done = srkit("train")
    assert (done.code, done.stdout, done.stderr) == (130, "", "")


def test_what_became_of_an_interrupt_says_nothing(
    srkit: Srkit, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = RecursionError("while importing")
    error.__context__ = ValueError()
    error.__context__.__context__ = KeyboardInterrupt()
    raising(error, monkeypatch)
    done = srkit("demo")
    assert (done.code, done.stdout, done.stderr) == (130, "", "")
    # But what we ourselves have to say then is said.
    ours = ConfigError("the state cannot be written")
    ours.__context__ = KeyboardInterrupt()
    raising(ours, monkeypatch)
    assert srkit("train").stderr == "srkit: the state cannot be written\n"


@pytest.fixture
def heeded() -> Iterator[None]:
    """Heed Ctrl-C, which a shell's background job, and all that it starts, ignores."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(
    ("words", "module"),
    [
        (["-m", "srkit", "upscale", "a.png", "-o", "b.png"], "typer"),
        (["-m", "srkit", "demo"], "gradio"),
        ([str(ROOT / "app.py")], "typer"),
        ([str(ROOT / "app.py")], "gradio"),
    ],
)
def test_an_interrupt_during_imports_says_nothing(
    tmp_path: Path, words: list[str], module: str
) -> None:
    # Some of what is imported makes another exception of an interrupt.
    (tmp_path / f"{module}.py").write_text(
        "import os, signal, time\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(20)\n"
        "except BaseException: raise RecursionError from None\n"
    )
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.usefixtures("heeded")
def test_ctrl_c_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with ending_at_once():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    with ending_at_once():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_a_reader_that_has_closed_the_pipe_is_left_alone(tmp_path: Path) -> None:
    # More than a pipe holds, to somebody who reads nothing.
    program = (
        "from srkit.cli import main; main.app = lambda *w, **o: print('x' * 10**6); main.run()"
    )
    done = subprocess.run(
        ["bash", "-c", f'{sys.executable} -c "{program}" | true; echo ${{PIPESTATUS[0]}}'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("141\n", "")
