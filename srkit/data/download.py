"""Download a file: resumed where it broke off, verified by its checksum, never half there.

What has arrived is kept beside the target as `NAME.part` and asked for from there on; the target
appears only when the checksum agrees.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pooch
import requests

from srkit.errors import DataError

CHUNK = 1 << 16  # bytes; what has come of a chunk is lost when the connection breaks off
TIMEOUT = 30  # seconds without a byte


def download(
    url: str,
    path: Path,
    *,
    checksum: str,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Fetch `url` to `path` unless a file with this checksum (`md5:...`, `sha256:...`) is there.

    `progress` gets the bytes that have arrived and the bytes in all (0 when unknown).

    Raises: DataError naming the address when it cannot be reached, breaks off, answers with an
        error or sends other bytes than the checksum promises.
    """

    def fetch(address: str, target: str, caller: Any) -> None:
        part = path.with_name(path.name + ".part")
        _continue(address, part, progress)
        part.replace(target)

    # pooch's own lines would come between ours.
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pooch.retrieve(
            url, known_hash=checksum, fname=path.name, path=path.parent, downloader=fetch
        )
    except requests.RequestException as error:
        raise DataError(
            f"{url}: download failed ({_reason(error)})",
            hint=f"run the command again to go on where it stopped, or put the file at {path}",
        ) from None
    except ValueError:
        raise DataError(
            f"{url}: the file that arrived does not have the checksum {checksum}",
            hint=f"run the command again, or put the right file at {path}",
        ) from None
    except OSError as error:
        where = error.filename or path
        raise DataError(f"{where}: cannot be written ({error.strerror or error})") from None
    return path


def _continue(url: str, part: Path, progress: Callable[[int, int], None] | None) -> None:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"}  # ranges and lengths are those of the file itself
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it is here already; the checksum will tell whether it is right
        answer.raise_for_status()
        if answer.status_code != requests.codes.partial_content:
            have = 0  # the server starts over, so do we
        total = have + int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if have else "wb") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    if have < total:  # urllib3 below 2 says nothing
        raise requests.exceptions.ChunkedEncodingError(f"{have} of {total} bytes")


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    # requests reports a silent server in the middle of a file as a connection error.
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"no answer for {TIMEOUT} seconds"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    return "the server cannot be reached"
