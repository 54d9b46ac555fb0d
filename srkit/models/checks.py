"""The checks that every model's configuration needs."""

from collections.abc import Sequence
from typing import Any

from srkit.errors import ConfigError


def require_positive(config: Any, *names: str) -> None:
    """Raise a ConfigError for the first of these fields that is below one; None is not set."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")


def require_scale(scale: int, scales: Sequence[int]) -> None:
    """Raise a ConfigError unless the scale is one of these."""
    if scale not in scales:
        raise ConfigError(f"scale must be one of {', '.join(map(str, scales))}, got {scale}")
