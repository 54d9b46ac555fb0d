"""A file's name never points at half of it."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import BinaryIO

import pytest

from srkit.files import TEMPORARY_PATTERN, write_atomically


def _write(data: bytes, path: Path) -> None:
    def write(file: BinaryIO) -> None:
        file.write(data)

    write_atomically(path, write)


def test_writes_a_new_file_and_replaces_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    _write(b"first", path)
    assert path.read_bytes() == b"first"
    _write(b"second, longer", path)
    assert path.read_bytes() == b"second, longer"
    assert os.listdir(tmp_path) == ["a.bin"]  # noqa: PTH208 - names only


def test_the_temporary_is_hidden_and_beside_the_target(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"

    def look(file: BinaryIO) -> None:
        file.write(b"x")
        assert not path.exists()
        (only,) = tmp_path.iterdir()
        assert only.name.startswith(".")
        assert only.name.endswith(".part")
        assert only.match(TEMPORARY_PATTERN)

    write_atomically(path, look)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), ValueError(), KeyboardInterrupt()]
)
def test_a_failing_writer_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half of the new o")
        raise error

    with pytest.raises(type(error)):
        write_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_fsync_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        _write(b"new", path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_data_is_on_disk_before_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real, seen = tmp_path / "a.bin", os.fsync, []

    def watch(descriptor: int) -> None:
        is_folder = Path(f"/proc/self/fd/{descriptor}").readlink() == tmp_path
        seen.append(("folder" if is_folder else "file", path.exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    _write(b"new", path)
    assert seen == [("file", False), ("folder", True)]


def test_names_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127 + "x")  # 255 bytes
    _write(b"x", path)
    assert path.read_bytes() == b"x"


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    _write(b"x", tmp_path / "a.bin")
    (tmp_path / "b.bin").write_bytes(b"x")
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "b.bin").stat().st_mode


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"theirs")
    (tmp_path / "a.bin").symlink_to(tmp_path / "elsewhere")
    _write(b"ours", tmp_path / "a.bin")
    assert (tmp_path / "elsewhere").read_bytes() == b"theirs"
    assert (tmp_path / "a.bin").read_bytes() == b"ours"


def test_a_folder_in_the_way_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "a.bin").mkdir()
    with pytest.raises(OSError, match=r"a\.bin"):
        _write(b"x", tmp_path / "a.bin")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.bin"]


@pytest.mark.parametrize("moment", ["before", "while writing", "before rename", "after rename"])
def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    script = f"""
        import os, signal, pathlib
        from srkit.files import write_atomically
        moment, path = {moment!r}, pathlib.Path({str(path)!r})
        die = lambda: os.kill(os.getpid(), signal.SIGKILL)
        replace = pathlib.Path.replace
        def watched(self, target):
            if moment == "before rename": die()
            replace(self, target)
            if moment == "after rename": die()
        pathlib.Path.replace = watched
        def write(file):
            if moment == "before": die()
            file.write(b"n" * 100_000)
            file.flush()
            if moment == "while writing": die()
        write_atomically(path, write)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == (b"n" * 100_000 if moment == "after rename" else b"old")
    leftovers = set(tmp_path.iterdir()) - {path}
    assert leftovers == set(tmp_path.glob(TEMPORARY_PATTERN))
