"""The check that every model's configuration needs."""

from typing import Any

from srkit.errors import ConfigError


def require_positive(config: Any, *names: str) -> None:
    """Raise a ConfigError for the first of these fields that is below one."""
    for name in names:
        if getattr(config, name) < 1:
            raise ConfigError(f"{name} must be at least 1, got {getattr(config, name)}")
