"""The models a name stands for: one checkpoint, or all scales of a family.

Convention
    `lapwave-m` is the family of every released `lapwave-m-xN`; `lapwave-m-x4`, or a file, is one
    model alone. A family enlarges by 4 unless told otherwise, as the field's tools do; one model by
    its own scale. A file of that name goes before a released model, as in `srkit.checkpoint`.
    `bicubic` is plain interpolation of RGB images by any scale.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from srkit import checkpoint
from srkit.errors import CheckpointError, ConfigError
from srkit.inference.bicubic import NAME, SCALES, BicubicEnlarger
from srkit.models.model import Model

FAMILY_SCALE = 4


@dataclass(frozen=True, kw_only=True)
class Family:
    """Models that do the same at different scales."""

    label: str
    """For file names and messages: the name, or a file's without its suffix."""
    modules: list[Model]
    scale: int
    """What it enlarges by when nobody says."""


def load_family(name: str, device: torch.device) -> Family:
    """Load the models that a family's name, a released model's name or a path stands for.

    Raises: CheckpointError when there is no such model or it is damaged; ConfigError when it is
        not one that enlarges.
    """
    if name == NAME and not Path(name).is_file():
        plain: list[Model] = [BicubicEnlarger(scale, image_channels=3) for scale in SCALES]
        return Family(label=name, modules=plain, scale=FAMILY_SCALE)
    members = family_members(name)
    if not members and name not in checkpoint.released() and not Path(name).exists():
        raise checkpoint.unknown(name, choices(), "choose a file or one of")
    modules = [_load(member, device) for member in members or [name]]
    scale = FAMILY_SCALE if members else modules[0].scale
    label = Path(name).stem if Path(name).is_file() else name
    return Family(label=label, modules=modules, scale=scale)


def choices() -> list[str]:
    """Name all that `load_family` takes but files: bicubic, the families and their models."""
    models = [name for name, path in checkpoint.released().items() if _enlarges(path)]
    families = [re.sub(r"-x\d+$", "", name) for name in models]
    return list(dict.fromkeys([NAME, *families, *models]))


def _enlarges(path: Path) -> bool:
    try:
        return int(checkpoint.read_header(path).config.get("scale", 1)) > 1
    except CheckpointError:  # a damaged one, which is not what the user asked about
        return False


def family_members(name: str) -> list[str]:
    """Name the models of a family; none when there is a model or a file of that name."""
    released = checkpoint.released()
    if name in released or Path(name).is_file():
        return []
    return [member for member in released if re.fullmatch(re.escape(name) + r"-x\d+", member)]


def _load(name: str, device: torch.device) -> Model:
    module = checkpoint.load(name, device).module
    if module.scale < 2:
        raise ConfigError(f"{name}: not a super-resolution model, it does not enlarge")
    return module
