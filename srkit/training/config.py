"""What a training run is made of; written beside the run so that it can be repeated."""

import shlex
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from srkit.errors import ConfigError
from srkit.training import defaults


class TrainingConfig(BaseModel):
    """Everything that decides the outcome of a run; sizes are in LR pixels.

    Raises (from `parse`): ConfigError naming the field, its value and what would work.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, pattern=r"^\w[\w.+-]*$")
    model: str
    """A preset of `srkit.models.PRESETS`."""
    model_settings: dict[str, Any] = {}
    """What differs from the preset, the scale among it."""
    dataset: str
    """A folder of HR images, or DIV2K."""
    validation: list[str] = []
    """Folders of HR images, or benchmarks by name, scored while training."""
    steps: int = Field(gt=0)
    batch_size: int = Field(default=defaults.BATCH_SIZE, gt=0)
    patch_size: int = Field(default=defaults.PATCH_SIZE, ge=4)
    learning_rate: float = Field(default=defaults.LEARNING_RATE, gt=0)
    warmup: int = Field(default=defaults.WARMUP, ge=0)
    weight_decay: float = Field(default=defaults.WEIGHT_DECAY, ge=0)
    clip_gradient: float = Field(default=defaults.CLIP_GRADIENT, gt=0)
    """Largest norm of the whole gradient."""
    ema: float = Field(default=defaults.EMA, ge=0, lt=1)
    seed: int = Field(default=defaults.SEED, ge=0)
    pretrained: str | None = None
    """A checkpoint whose tensors of the same name and shape the run starts from."""
    log_every: int = Field(default=defaults.LOG_EVERY, gt=0)
    validate_every: int = Field(default=defaults.VALIDATE_EVERY, gt=0)
    save_every: int = Field(default=defaults.SAVE_EVERY, gt=0)

    @classmethod
    def parse(cls, values: dict[str, Any]) -> "TrainingConfig":
        """Check values, in the words of the command line where they are wrong."""
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{where}: {first['msg'].lower()}, got {first['input']!r}") from None


def command_line(config: TrainingConfig) -> str:
    """Write the command that repeats a run; values left at their defaults are left out."""
    words = ["srkit", "train"]
    for name, field in TrainingConfig.model_fields.items():
        value = getattr(config, name)
        option = "--" + name.replace("_", "-")
        if name == "model_settings":
            for key, setting in value.items():
                words += (
                    ["--scale", str(setting)] if key == "scale" else ["--set", f"{key}={setting}"]
                )
        elif name == "validation":
            for folder in value:
                words += [option, folder]
        elif value != field.default:
            words += [option, str(value)]
    return shlex.join(words)
