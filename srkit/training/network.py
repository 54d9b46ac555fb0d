"""The network a configuration describes, ready to be trained."""

from collections.abc import Iterator
from contextlib import contextmanager

from srkit.errors import ConfigError
from srkit.layers.registry import lookup
from srkit.models import CLASSIFIER_PRESETS, CLASSIFIERS, MODELS, PRESETS, build_model
from srkit.models.building import build
from srkit.models.classifier import Classifier
from srkit.models.holding_lpae import HoldsLPAE
from srkit.models.model import Model
from srkit.models.network import Network
from srkit.training.config import TrainingConfig, TrainingImages
from srkit.training.defaults import PATCH_SIZE


def is_classifier(config: TrainingConfig) -> bool:
    """Tell whether a configuration trains a classifier, which its network's name decides."""
    return config.network_g.type in CLASSIFIER_PRESETS


def create_classifier(config: TrainingConfig) -> Classifier:
    """Build the classifier with its settings; its weights come from torch's generator.

    Raises: ConfigError for an unknown setting, and for keys that have no meaning for classifiers.
    """
    require_unused(config)
    kind, preset = CLASSIFIER_PRESETS[config.network_g.type]
    with _settings_named(config):
        network = build(CLASSIFIERS, "classifier", kind, {**preset, **config.network_g.settings})
    if config.train.joint_lpae:
        _train_lpae(network, config.network_g.type)
        if network.image_size % 2:
            raise ConfigError(
                f"network_g.image_size: must be even to train the LPAE, got {network.image_size}"
            )
    return network


def require_unused(config: TrainingConfig) -> None:
    """Refuse what only enlarging networks have, where it was given. Raises: ConfigError."""
    images, standard = config.datasets.train, TrainingImages.model_fields
    given: dict[str, object] = {
        "scale": config.scale,
        "train.patch_schedule": config.train.patch_schedule,
        "datasets.val.dataroot_lq": any(one.dataroot_lq for one in config.datasets.val),
    }
    for name in ("dataroot_lq", "weights", "lr_track", "gt_size", "sub_image_size", "degradation"):
        value = getattr(images, name)
        given[f"datasets.train.{name}"] = None if value == standard[name].default else value
    for key, value in given.items():
        if value:
            raise ConfigError(f"{key}: is not for classifiers, {config.network_g.type} is one")


def require_no_labels(config: TrainingConfig) -> None:
    """Refuse what only classifiers have, where it was given. Raises: ConfigError."""
    images = config.datasets.train
    given = {"multi_label": images.multi_label is not None, "use_shift": not images.use_shift}
    for name, asked in given.items():
        if asked:
            value = str(getattr(images, name)).lower()
            raise ConfigError(
                f"datasets.train.{name}: {value} is for classifiers, {config.network_g.type} is "
                "none",
                hint=f"leave it out; classifiers are {', '.join(CLASSIFIER_PRESETS)}",
            )


def create_network(config: TrainingConfig) -> Model:
    """Build the model with its settings and scale; its weights come from torch's generator.

    Raises: ConfigError for an unknown name or setting, a scale the model cannot have, and what
        could be built but not trained on patches of the configured sizes, or made of its bands.
    """
    kind, preset = lookup(PRESETS, "model", config.network_g.type, key="network_g.type")
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
    require_no_labels(config)
    with _settings_named(config):
        model = build_model(kind, settings)
    degradation = config.datasets.train.degradation.get("type")
    if model.image_channels != 3 and degradation != "bicubic":
        raise ConfigError(
            f"datasets.train.degradation: {degradation} is for RGB images, not for "
            f"{model.image_channels} bands",
            hint="leave it out, or give LR images by --lr-folder",
        )
    for size in patch_sizes(config, model.scale):
        if model.scale == 1 and size % model.size_multiple:
            raise ConfigError(
                f"datasets.train.gt_size: must be a multiple of {model.size_multiple} for "
                f"{config.network_g.type}, got {size}"
            )
    if config.train.joint_lpae:
        _train_lpae(model, config.network_g.type)
    return model


@contextmanager
def _settings_named(config: TrainingConfig) -> Iterator[None]:
    """Say where a setting stands that cannot work; a scale is mostly the run's."""
    try:
        yield
    except ConfigError as error:
        message = str(error)
        words = message.partition(": choose one of ")[0].split()
        if "scale" in words and "scale" not in config.network_g.settings:
            key, said = "scale", message.removeprefix("scale ")
        else:
            key, said = "network_g", message
        raise ConfigError(f"{key}: {said}", hint=error.hint) from None


def _train_lpae(network: Network, name: str) -> None:
    """Train the LPAE inside a network with it. Raises: ConfigError when there is none."""
    if not isinstance(network, HoldsLPAE):
        raise ConfigError(f"train.joint_lpae: {name} has no LPAE inside it")
    network.lpae.requires_grad_(True)


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
