"""A server of archives on this machine, which understands ranges and can be told to misbehave."""

import functools
import hashlib
import http.server
import io
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from srkit.data.div2k import Archive
from srkit.images.image import Samples


@dataclass
class Mirror:
    """Where it is, what it serves, what it was asked for and how it misbehaves once."""

    folder: Path
    address: str = ""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Name and range of every file that was sent, or begun."""
    break_after: int | None = None
    """Bytes of the next answer after which the connection is cut."""
    silent_after: int | None = None
    """Bytes of the next answer after which nothing more comes for a second."""
    ranges: bool = True
    """Whether ranges are understood."""

    def publish(self, archive: Archive, files: Mapping[str, bytes]) -> Archive:
        """Serve a zip file with these files and their folders; give its archive its checksum."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as file:
            for folder in sorted({f"{Path(name).parent.as_posix()}/" for name in files}):
                file.writestr(folder, b"")
            for name, data in files.items():
                file.writestr(name, data)
        data = buffer.getvalue()
        (self.folder / f"{archive.name}.zip").write_bytes(data)
        md5 = hashlib.md5(data).hexdigest()  # noqa: S324 - DIV2K's checksums are MD5
        images = sum(name.endswith(".png") for name in files)
        return replace(archive, md5=md5, images=images)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *args: object, mirror: Mirror, **options: object) -> None:
        self.mirror = mirror
        super().__init__(*args, directory=str(mirror.folder))  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        asked = self.headers.get("Range") if self.mirror.ranges else None
        self.mirror.asked.append((path.name, asked))
        whole = path.read_bytes()
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if asked and start >= len(whole):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(whole) - start))
        self.end_headers()
        silent, self.mirror.silent_after = self.mirror.silent_after, None
        if silent is not None:
            self.wfile.write(whole[start : start + silent])
            time.sleep(1)
            return
        length, self.mirror.break_after = self.mirror.break_after, None
        self.wfile.write(whole[start:][:length])

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[Mirror]:
    """Serve the files of a folder while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    mirror = Mirror(folder)
    handler = functools.partial(_Handler, mirror=mirror)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        mirror.address = f"http://127.0.0.1:{server.server_address[1]}/"
        yield mirror
        server.shutdown()
        thread.join()


def png(pixels: Samples) -> bytes:
    """Encode an image."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
