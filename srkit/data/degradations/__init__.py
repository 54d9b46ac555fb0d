"""How LR patches are made of HR patches, by name.

`bicubic` is no entry: its LR images are MATLAB's, made ahead of time of whole images. To add one:
write a file here with a class of Degradation, and add one line to DEGRADATIONS; the family tests
in tests/data/degradations cover it.
"""

from collections.abc import Mapping
from typing import Any

from srkit.data.degradations.classical import Classical
from srkit.data.degradations.degradation import KEY, Degradation
from srkit.data.degradations.second_order import SecondOrder
from srkit.errors import ConfigError
from srkit.layers.registry import lookup

__all__ = ["DEGRADATIONS", "Degradation", "create_degradation"]

DEGRADATIONS: dict[str, type[Degradation]] = {
    "classical": Classical,
    "second_order": SecondOrder,
}

BICUBIC = "bicubic"


def create_degradation(settings: Mapping[str, Any], *, scale: int) -> Degradation | None:
    """Build the degradation a configuration describes; None for bicubic.

    Raises: ConfigError for an unknown type, an unknown setting or a value that cannot work.
    """
    rest = dict(settings)
    name = rest.pop("type", BICUBIC)
    if name == BICUBIC:
        if rest:
            raise ConfigError(
                f"{KEY}: {BICUBIC} has no settings, got {', '.join(rest)}",
                hint=f"{KEY}.type: {' or '.join(DEGRADATIONS)}",
            )
        return None
    lookup({BICUBIC: None, **DEGRADATIONS}, "degradation", name, key=f"{KEY}.type")
    return DEGRADATIONS[name].parse(rest, scale=scale)
