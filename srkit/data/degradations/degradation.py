"""What every degradation is: LR patches from HR patches, seeded, configured by name."""

# Shapes: K the three colours, H W height and width.

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Self, TypeAlias, TypeVar

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from torch import Tensor

from srkit.errors import ConfigError

KEY = "datasets.train.degradation"


Number = TypeVar("Number", bound=float)

Probability: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Positive: TypeAlias = Annotated[float, Field(gt=0)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0)]
Quality: TypeAlias = Annotated[float, Field(ge=1, le=100)]


def _two(bounds: Any) -> Any:
    if not isinstance(bounds, list | tuple) or len(bounds) != 2:
        raise ValueError("must be [lowest, highest]")
    return bounds


def _rising(bounds: tuple[Number, Number]) -> tuple[Number, Number]:
    if bounds[0] > bounds[1]:
        raise ValueError("must be [lowest, highest]")
    return bounds


Range: TypeAlias = Annotated[tuple[Number, Number], BeforeValidator(_two), AfterValidator(_rising)]


class Degradation(BaseModel):
    """Settings of a degradation, and the degradation itself.

    Every random decision comes from the generator it is called with, in a fixed order, so equal
    generators give equal LR patches.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    reach: ClassVar[int] = 0
    """HR pixels around a patch that are degraded with it, so that it does not end like an image.

    Nearly all that an LR pixel takes in lies within them, if not the last tails of kernels upon
    kernels; beyond the image they are its mirror image.
    """

    scale: int = Field(gt=0)
    """Set by the run."""

    @property
    def margin(self) -> int:
        """HR pixels to have around a patch: its reach, rounded up to a multiple of the scale."""
        return -(-self.reach // self.scale) * self.scale

    @model_validator(mode="after")
    def _chances_fit(self) -> Self:
        """Check every list of probabilities against the list it is for."""
        for name in type(self).model_fields:
            if name.startswith("kernel_prob"):
                names, chances = name.replace("prob", "list"), getattr(self, name)
                if len(chances) != len(getattr(self, names)):
                    raise ValueError(
                        f"{name} must have an entry for each of {names}'s "
                        f"{len(getattr(self, names))}, has {len(chances)}"
                    )
            elif name.startswith("resize_prob"):
                chances = getattr(self, name)
            else:
                continue
            if sum(chances) == 0:
                raise ValueError(f"{name} must not be all 0")
        return self

    def __call__(self, hr_1KHW: Tensor, *, generator: np.random.Generator) -> Tensor:
        """Degrade one HR patch.

        Shape: (1, 3, H, W) float32 in [0, 1], H and W multiples of the scale
        -> (1, 3, H / scale, W / scale), in [0, 1], rounded to 8-bit levels.
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
            first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in (KEY, *first["loc"]))
        raise ConfigError(f"{where}: {_reason(first)}", hint=_hint(first))


def _reason(problem: ErrorDetails) -> str:
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    # What concerns several settings says itself what was given.
    return f"{message}, got {problem['input']!r}" if problem["loc"] else message


def _hint(problem: ErrorDetails) -> str | None:
    if problem["type"] != "literal_error":
        return None
    choices = problem["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
    near = get_close_matches(str(problem["input"]), choices, n=1)
    return f"did you mean {near[0]!r}?" if near else None


def happens(probability: float, generator: np.random.Generator) -> bool:
    """Decide by chance; a number is drawn whatever the probability, so that streams stay equal."""
    return bool(generator.random() < probability)


def between(bounds: tuple[float, float], generator: np.random.Generator) -> float:
    """Draw a number uniformly."""
    return float(generator.uniform(*bounds))
