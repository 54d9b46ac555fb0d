"""One process at a time in a folder."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from srkit.data.lock import alone_in
from srkit.errors import DataError

HOLD = """
import sys, time
from pathlib import Path
from srkit.data.lock import alone_in
with alone_in(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_one_waits_and_says_so(tmp_path: Path) -> None:
    order: list[str] = []
    inside = threading.Event()

    def first() -> None:
        with alone_in(tmp_path / "deep" / "folder"):
            inside.set()
            time.sleep(0.3)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(10)
    with alone_in(tmp_path / "deep" / "folder", lambda: order.append("waiting")):
        order.append("second")
    thread.join()
    assert order == ["waiting", "first", "second"]


def test_nobody_waits_for_a_killed_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait()
    started = time.monotonic()
    with alone_in(tmp_path):
        assert time.monotonic() - started < 5


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(DataError, match=r"file.inner: cannot be written"),
        alone_in(tmp_path / "file" / "inner"),
    ):
        pass
