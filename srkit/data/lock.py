"""One process at a time in a folder: the others wait, and then find the work done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from srkit.errors import DataError

NAME = ".srkit.lock"
"""Of the file that is locked; it stays, empty, because removing it would open a race."""


@contextmanager
def alone_in(folder: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Make `folder` and hold its lock; `waiting` is called once when another process has it.

    The system gives the lock back when a process ends, however it ends.

    Raises: DataError when the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / NAME)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            lock.acquire()
    except OSError as error:
        raise DataError(f"{folder}: cannot be written ({error.strerror or error})") from None
    try:
        yield
    finally:
        lock.release()
