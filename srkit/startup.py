"""Ctrl-C while Python still imports: the process ends at once, with 130 and no traceback.

Raised inside an import, KeyboardInterrupt may be caught there and come out as another exception,
or not at all; nothing has been begun by then that would have to be cleared up.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ending_at_once() -> Iterator[None]:
    """End the process on Ctrl-C, unless that is ignored or in the hands of others."""
    theirs = signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    if theirs or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
