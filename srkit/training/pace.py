"""Time spent on a run and time left, over all its sessions."""

import time


class Pace:
    """A clock that starts where the last session's stopped."""

    def __init__(self, *, done: int, seconds: float) -> None:
        self._done, self._seconds, self._began = done, seconds, time.monotonic()

    def seconds(self) -> float:
        """Give the seconds spent on the run so far."""
        return self._seconds + time.monotonic() - self._began

    def words(self, step: int, steps: int) -> str:
        """Say the rate of this session and the time left at that rate."""
        rate = (step - self._done) / max(time.monotonic() - self._began, 1e-9)
        left = int((steps - step) / max(rate, 1e-9))
        return f"{rate:.2f} steps/s  {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left"
