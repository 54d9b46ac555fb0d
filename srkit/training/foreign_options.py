"""An option file of another framework, of which it is known what has been taken over."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from srkit.training.foreign_keys import SAME, canonical, reason_for

_CALL = re.compile(r"""(?:float|int)\(\s*['"]?([-+0-9.eE_]+)['"]?\s*\)""")
_OTHER = object()  # equal to no value


class Options:
    """Values by dotted keys; what nobody takes is dropped, with a reason.

    A null says nothing, and SAME nothing new: neither is missed.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self._taken: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._unfit: dict[str, str] = {}

    def see(self, key: str) -> Any:
        """Give the value of a key; None when there is none."""
        place: Any = self.values
        for part in key.split("."):
            if not isinstance(place, Mapping) or part not in place:
                return None
            place = place[part]
        return number(place)

    def take(self, key: str) -> Any:
        """Give the value of a key, which with all below it then counts as carried over."""
        self._taken.add(key)
        return self.see(key)

    def drop(self, key: str, reason: str) -> None:
        """Say why a key, and all below it, is not carried over after all."""
        self._reasons[key] = reason

    def doubt(self, key: str, reason: str) -> None:
        """Say why the value of a key cannot be used, should it be carried over."""
        self._unfit[key] = reason

    def unfit(self) -> dict[str, str]:
        """Give what was carried over and cannot be used, with the reason."""
        return {key: why for key, why in self._unfit.items() if key not in self._reasons}

    def dropped(self) -> dict[str, str]:
        """Give what was not carried over, with the reason; a section of which nothing was as one.

        Keys are in the order of the file; entries of lists, and keys it leaves out, come last.
        """
        found = dict(self._missed(self.values, ""))
        return found | self._reasons

    def _missed(self, values: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, str]]:
        for name, value in values.items():
            key = f"{prefix}{name}"
            if key in self._reasons:
                yield key, self._reasons[key]
            elif (
                key in self._taken
                or _says_nothing(value)
                or SAME.get(canonical(key), _OTHER) == number(value)
            ):
                continue
            elif isinstance(value, Mapping) and self._touched(f"{key}."):
                yield from self._missed(value, f"{key}.")
            else:
                yield key, reason_for(key)

    def _touched(self, section: str) -> bool:
        keys = self._taken | set(self._reasons)
        return any(key.startswith(section) for key in keys) or any(
            key.startswith(canonical(section)) for key in SAME
        )


def _says_nothing(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_says_nothing, value.values()))
    return value is None


def number(value: Any) -> Any:
    """Turn `float('1e5')`, and floats that are whole, into numbers people would have written.

    >>> number("float('1e5')"), number(5e3), number(0.5), number("psnr")
    (100000, 5000, 0.5, 'psnr')
    """
    if isinstance(value, str):
        call = _CALL.fullmatch(value.strip())
        if call is None:
            return value
        try:
            value = float(call[1])
        except ValueError:
            return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
