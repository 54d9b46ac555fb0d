"""Keeping Pillow from printing warnings: a damaged file gets one line, and that is srkit's."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Python keeps its warning filters in one list for all threads: two threads that change and
# restore it at once could leave it changed for good. Headers are read in no time, so one at a time.
_one_at_a_time = threading.Lock()


@contextmanager
def quietly() -> Iterator[None]:
    """Let no Python warning through; meant for headers, not for pixels."""
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
