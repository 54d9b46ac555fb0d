"""Translate option files of BasicSR, Real-ESRGAN and traiNNer-redux into srkit's configuration.

Keys of the same name and meaning are carried over; nothing is dropped silently: whatever else a
file says is listed with the reason. Where a file leaves out what decides the outcome, the value
its own framework takes is written: torch's defaults of optimisers and schedulers, no averaging of
weights, no warm-up, no limit to gradients, traiNNer-redux's degradation.

Sources: https://github.com/XPixelGroup/BasicSR/blob/master/docs/Config.md,
https://github.com/xinntao/Real-ESRGAN and
https://trainner-redux.readthedocs.io/en/latest/config_reference.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from srkit.data.degradations import create_degradation
from srkit.errors import ConfigError
from srkit.models import PRESETS
from srkit.training.config import TrainingConfig
from srkit.training.config_check import parse_config
from srkit.training.foreign_data import training_images, validation_sets
from srkit.training.foreign_degradation import degradation
from srkit.training.foreign_options import Options
from srkit.training.foreign_recipe import recipe
from srkit.training.network import create_network

MODEL = "lapwave-m"


@dataclass(frozen=True, kw_only=True)
class Translation:
    """A configuration, and what of the option file has no place in it."""

    config: TrainingConfig
    dropped: dict[str, str]
    """The reason for each key."""
    unfit: dict[str, str]
    """Keys whose values are in the configuration but cannot be used: why, and what to give."""


def translate(values: Mapping[str, Any], *, source: str) -> Translation:
    """Translate the values of an option file; `source` is what errors call it.

    Raises: ConfigError when it does not describe training, or what srkit cannot train.
    """
    datasets = values.get("datasets")
    if not isinstance(datasets, Mapping) or not isinstance(datasets.get("train"), Mapping):
        raise ConfigError(
            f"{source}: has no datasets.train, so it is no training option file of BasicSR, "
            "Real-ESRGAN or traiNNer-redux"
        )
    if _is_our_own(values):
        raise ConfigError(f"{source}: a configuration of srkit's own", hint="srkit train --config")
    options = Options(values)
    scale = options.take("scale")
    found: dict[str, Any] = {
        "name": _name(options),
        "scale": scale,
        "datasets": {
            "train": training_images(options, scale)
            | degradation(options, scale if isinstance(scale, int) else 4)
        },
        "network_g": _network(options, scale),
        "train": recipe(options),
        "val": _given(val_freq=options.take("val.val_freq")),
        "logger": _given(
            print_freq=options.take("logger.print_freq"),
            save_checkpoint_freq=options.take("logger.save_checkpoint_freq"),
            use_tb_logger=options.take("logger.use_tb_logger"),
        ),
    }
    found["datasets"]["val"] = validation_sets(options)
    seed = options.take("manual_seed")
    if seed is not None:
        found["manual_seed"] = seed
    config = parse_config(found, source=source)
    try:
        model = create_network(config)
        create_degradation(config.datasets.train.degradation, scale=model.scale)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}", hint=error.hint) from None
    return Translation(config=config, dropped=options.dropped(), unfit=options.unfit())


def _is_our_own(values: Mapping[str, Any]) -> bool:
    try:
        return parse_config(values).network_g.type in PRESETS
    except ConfigError:
        return False


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _name(options: Options) -> str:
    name = str(options.take("name") or "imported")
    usable = re.sub(r"[^\w.+-]+", "-", name).lstrip(".+-") or "imported"
    if usable != name:
        options.drop("name", f"a run's name is a folder's: {usable}")
    return usable


def _network(options: Options, scale: Any) -> dict[str, Any]:
    """Take a network that srkit knows; of any other only its name is known."""
    network = options.values.get("network_g")
    kind = network.get("type") if isinstance(network, Mapping) else None
    if isinstance(network, Mapping) and kind in PRESETS:
        return {key: options.take(f"network_g.{key}") for key in network}
    known = f"{kind} is none of srkit's models" if kind else "no network is named"
    options.drop("network_g", f"{known}, {MODEL} takes its place")
    # Its own head enlarges by powers of two.
    return {"type": MODEL, "head": "pixel_shuffle"} if scale == 3 else {"type": MODEL}
