"""What every degradation is: LR patches from HR patches, seeded, configured by name."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from srkit.errors import ConfigError

KEY = "datasets.train.degradation"


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("must be [lowest, highest]")
    return bounds


Probability = Annotated[float, Field(ge=0, le=1)]
Range = Annotated[tuple[float, float], AfterValidator(_rising)]


class Degradation(BaseModel):
    """Settings of a degradation, and the degradation itself.

    Every random decision comes from the generator it is called with, in a fixed order, so equal
    generators give equal LR patches.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    reach: ClassVar[int] = 0
    """HR pixels on each side of a pixel that its LR pixel may depend on."""

    scale: int = Field(gt=0)
    """Set by the run."""

    @property
    def margin(self) -> int:
        """HR pixels to have around a patch: its reach, rounded up to a multiple of the scale."""
        return -(-self.reach // self.scale) * self.scale

    def __call__(self, hr_1KHW: Tensor, *, scale: int, generator: np.random.Generator) -> Tensor:
        """Degrade one HR patch.

        Shape: (1, K, H, W) float32 in [0, 1], H and W multiples of the scale
        -> (1, K, H / scale, W / scale), in [0, 1], rounded to 8-bit levels.
        """
        raise NotImplementedError

    @classmethod
    def parse(cls, settings: Mapping[str, Any], *, scale: int) -> Self:
        """Check settings.

        Raises: ConfigError naming the key, its value and what would work.
        """
        known = [name for name in cls.model_fields if name != "scale"]
        for key in settings:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                raise ConfigError(
                    f"{KEY}: {key!r} is not a setting of it: choose from {', '.join(known)}",
                    hint=f"did you mean {near[0]!r}?" if near else None,
                )
        try:
            return cls(scale=scale, **settings)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in (KEY, *first["loc"]))
            reason = first["msg"].removeprefix("Value error, ").lower()
            raise ConfigError(f"{where}: {reason}, got {first['input']!r}") from None


def happens(probability: float, generator: np.random.Generator) -> bool:
    """Decide by chance; a number is drawn whatever the probability, so that streams stay equal."""
    return bool(generator.random() < probability)


def between(bounds: tuple[float, float], generator: np.random.Generator) -> float:
    """Draw a number uniformly."""
    return float(generator.uniform(*bounds))
