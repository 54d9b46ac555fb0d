"""Ctrl-C and SIGTERM ask a run to stop after its step, with its state saved."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ONE_STOP = 5.0
"""Seconds in which one stop may send SIGTERM several times."""


@contextmanager
def asked_to_stop() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of dying of them; a second one does kill.

    But not a SIGTERM soon after another: a service manager sends it to torchrun and to the
    processes of the run, and torchrun sends it on to them.
    """
    received: list[int] = []
    began = 0.0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal began
        if not received:
            began = time.monotonic()
        elif number == signal.SIGINT or time.monotonic() - began > ONE_STOP:
            raise KeyboardInterrupt
        received.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield received  # only the main thread may handle signals
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
