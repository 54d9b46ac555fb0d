"""The check that every model's configuration needs."""

from typing import Any

from srkit.errors import ConfigError


def require_positive(config: Any, *names: str) -> None:
    """Raise a ConfigError for the first of these fields that is below one; None is not set."""
    for name in names:
        value = getattr(config, name)
        if value is not None and value < 1:
            raise ConfigError(f"{name} must be at least 1, got {value}")
