"""DIV2K from a server: verified, resumed where it broke off, unpacked all at once or not at all."""

import functools
import hashlib
import http.server
import io
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from srkit.data import datasets
from srkit.data.datasets import Archive, fetch, resolve_dataset
from srkit.data.download import CHUNK
from srkit.errors import DataError


class Mirror(http.server.SimpleHTTPRequestHandler):
    """A file server that understands ranges and can be told to break off once."""

    break_after: int | None = None
    ranges: list[str | None] = []  # noqa: RUF012

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        type(self).ranges.append(asked)
        whole = path.read_bytes()
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start >= len(whole):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        stop = type(self).break_after
        type(self).break_after = None
        self.wfile.write(whole[start : stop if stop else None])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "server"
    folder.mkdir()
    Mirror.ranges = []
    Mirror.break_after = None
    handler = functools.partial(Mirror, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/", folder
        running.shutdown()
        thread.join()


def publish(folder: Path, names: list[str], *, images: int | None = None) -> Archive:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("Tiny_HR/", b"")
        for index, name in enumerate(names):
            file.writestr(name, f"image {index} ".encode() * 5000)
    data = buffer.getvalue()
    (folder / "Tiny_HR.zip").write_bytes(data)
    return Archive(
        folder="Tiny_HR",
        md5=hashlib.md5(data).hexdigest(),  # noqa: S324
        images=len(names) if images is None else images,
    )


NAMES = [f"Tiny_HR/{index:04d}.png" for index in range(1, 5)]


def test_arrives_verified_and_unpacked(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    found = fetch(publish(folder, NAMES), address, tmp_path / "data")
    assert sorted(path.name for path in found.iterdir()) == [n.split("/")[1] for n in NAMES]
    assert (found / "0002.png").read_bytes() == b"image 1 " * 5000
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["Tiny_HR"]


def test_is_not_downloaded_twice(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    archive = publish(folder, NAMES)
    fetch(archive, address, tmp_path / "data")
    fetch(archive, address, tmp_path / "data")
    assert len(Mirror.ranges) == 1


def test_goes_on_where_it_broke_off(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    archive = publish(folder, NAMES)
    Mirror.break_after = 2 * CHUNK + 5000
    with pytest.raises(DataError, match=r"Tiny_HR\.zip: download failed"):
        fetch(archive, address, tmp_path / "data")
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["Tiny_HR.zip.part"]
    assert fetch(archive, address, tmp_path / "data").is_dir()
    assert Mirror.ranges == [None, f"bytes={2 * CHUNK}-"]


def test_wrong_bytes_are_refused(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    archive = publish(folder, NAMES)
    (folder / "Tiny_HR.zip").write_bytes(b"something else")
    with pytest.raises(DataError, match="does not have the checksum md5:"):
        fetch(archive, address, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_missing_file_says_what_the_server_answered(
    server: tuple[str, Path], tmp_path: Path
) -> None:
    archive = Archive(folder="Absent", md5="0" * 32, images=1)
    with pytest.raises(DataError, match="the server answered 404"):
        fetch(archive, server[0], tmp_path / "data")


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    archive = Archive(folder="Absent", md5="0" * 32, images=1)
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9/Absent\.zip: .*cannot be reached"):
        fetch(archive, "http://127.0.0.1:9/", tmp_path / "data")


def test_an_incomplete_archive_leaves_no_folder(server: tuple[str, Path], tmp_path: Path) -> None:
    address, folder = server
    with pytest.raises(DataError, match="holds 4 PNG images, Tiny_HR has 5"):
        fetch(publish(folder, NAMES, images=5), address, tmp_path / "data")
    assert not (tmp_path / "data" / "Tiny_HR").exists()


def test_an_archive_cannot_write_outside_its_folder(
    server: tuple[str, Path], tmp_path: Path
) -> None:
    address, folder = server
    found = fetch(publish(folder, ["../../escaped.png"]), address, tmp_path / "data")
    assert [path.name for path in found.iterdir()] == ["escaped.png"]
    assert not list(tmp_path.glob("escaped.png"))


def test_div2k_is_found_by_name_at_the_mirror(
    server: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    archive = publish(folder, NAMES)
    monkeypatch.setattr(datasets, "DIV2K_TRAIN", archive)
    monkeypatch.setenv("SRKIT_DIV2K_URL", address)
    said: list[str] = []
    found = resolve_dataset("div2k", tmp_path, say=said.append)
    assert found == tmp_path / "DIV2K" / "Tiny_HR"
    assert "academic use only" in said[0]


def test_a_folder_is_itself_and_anything_else_an_error(tmp_path: Path) -> None:
    assert resolve_dataset(str(tmp_path)) == tmp_path
    with pytest.raises(DataError, match="--dataset DIV3K: no such folder"):
        resolve_dataset("DIV3K")
