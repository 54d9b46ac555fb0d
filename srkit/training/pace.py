"""Time spent on a run and time left, over all its sessions."""

import re
import time

from srkit.errors import ConfigError

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> float:
    """Turn `90s`, `45m`, `2h`, `1.5h` or `2h30m` into seconds.

    Raises: ConfigError for anything else, and for no time at all.

    >>> parse_duration("2h30m")
    9000.0
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or seconds == 0:
        raise ConfigError(f"--max-time {text}: expected a time such as 90s, 45m, 2h or 2h30m")
    return seconds


class Pace:
    """A clock that starts where the last session's stopped."""

    def __init__(self, *, done: int, seconds: float) -> None:
        self._done, self._seconds, self._began = done, seconds, time.monotonic()

    def seconds(self) -> float:
        """Give the seconds spent on the run so far."""
        return self._seconds + self.session()

    def session(self) -> float:
        """Give the seconds since this session's start."""
        return time.monotonic() - self._began

    def words(self, step: int, steps: int) -> str:
        """Say the rate of this session and the time left at that rate."""
        rate = (step - self._done) / max(self.session(), 1e-9)
        left = int((steps - step) / max(rate, 1e-9))
        return f"{rate:.2f} steps/s  {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left"
