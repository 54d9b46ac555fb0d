"""The network a configuration describes, ready to be trained."""

from srkit.errors import ConfigError
from srkit.layers.registry import lookup
from srkit.models import MODELS, PRESETS, build_model
from srkit.models.lpsr import LPSR
from srkit.models.model import Model
from srkit.training.config import TrainingConfig
from srkit.training.defaults import PATCH_SIZE


def create_network(config: TrainingConfig) -> Model:
    """Build the model with its settings and scale; its weights come from torch's generator.

    Raises: ConfigError for an unknown name or setting, a scale the model cannot have, and what
        could be built but not trained on RGB patches of the configured sizes.
    """
    kind, preset = lookup(PRESETS, "model", config.network_g.type)
    settings = {**preset, **config.network_g.settings}
    if config.scale is not None:
        if hasattr(MODELS[kind][0](), "scale"):
            if settings.setdefault("scale", config.scale) != config.scale:
                raise ConfigError(
                    f"network_g.scale: {settings['scale']} is not the run's scale {config.scale}",
                    hint="leave network_g.scale out",
                )
        elif config.scale != 1:
            raise ConfigError(f"scale: {config.network_g.type} enlarges by 1, got {config.scale}")
    model = build_model(kind, settings)
    if model.image_channels != 3:
        raise ConfigError(
            f"image_channels must be 3 to train on RGB images, got {model.image_channels}"
        )
    for size in patch_sizes(config, model.scale):
        if model.scale == 1 and size % model.size_multiple:
            raise ConfigError(
                f"datasets.train.gt_size: must be a multiple of {model.size_multiple} for "
                f"{config.network_g.type}, got {size}"
            )
    if config.train.joint_lpae:
        if not isinstance(model, LPSR):
            raise ConfigError(f"train.joint_lpae: {config.network_g.type} has no LPAE inside it")
        model.lpae.requires_grad_(True)
    return model


def patch_sizes(config: TrainingConfig, scale: int) -> list[int]:
    """Give the sides, in LR pixels, of the patches a run uses, in their order.

    Raises: ConfigError when a side in HR pixels is not a multiple of the scale.
    """
    first = config.datasets.train.gt_size or PATCH_SIZE * scale
    sides = [("datasets.train.gt_size", first)]
    sides += [("train.patch_schedule", entry.gt_size) for entry in config.train.patch_schedule]
    for key, side in sides:
        if side % scale:
            raise ConfigError(
                f"{key}: an HR patch must be a multiple of the scale {scale}, got {side}",
                hint=f"{side // scale * scale or scale} works",
            )
    return [side // scale for _, side in sides]
