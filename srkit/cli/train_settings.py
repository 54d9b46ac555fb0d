"""What `srkit train` is asked for, put together: a file, over it options, over these --set.

Without a file, --resume starts from the configuration in the run's own folder, so that a run goes
on by its name alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from srkit.cli.processes import is_main_process
from srkit.cli.train_runs import CONFIGURATION, require_run
from srkit.errors import ConfigError, DataError

if TYPE_CHECKING:
    from srkit.training.config import TrainingConfig

MODEL = "lapwave-m"
CLASSIFIER = "wrn-b4-eca"
GT_SIZE = "datasets.train.gt_size"

# Options that are one key of the configuration.
KEYS = {
    "--name": "name",
    "--scale": "scale",
    "--seed": "manual_seed",
    "--data-root": "datasets.data_root",
    "--dataset": "datasets.train.dataroot_gt",
    "--lr-folder": "datasets.train.dataroot_lq",
    "--lr-track": "datasets.train.lr_track",
    "--batch-size": "datasets.train.batch_size_per_gpu",
    "--workers": "datasets.train.num_worker_per_gpu",
    "--validation": "datasets.val",
    "--pretrained": "path.pretrain_network_g",
    "--steps": "train.total_iter",
    "--learning-rate": "train.optim_g.lr",
    "--precision": "train.precision",
    "--compile": "train.compile",
    "--accumulate": "train.accumulate",
    "--tensorboard": "logger.use_tb_logger",
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """The words of a command line; options that were not given are None."""

    options: Mapping[str, Any]
    settings: list[str]
    config: Path | None
    output: Path
    resume: bool
    task: str | None = None
    """`sr` or `classify`; None = whatever the model is for."""


def configure(request: Request) -> "TrainingConfig":
    """Build the configuration that is asked for.

    Raises: ConfigError for a mistake in file, options or settings, or a run that is not there.
    """
    from srkit.images.naming import display_name
    from srkit.training.config_check import parse_config
    from srkit.training.config_file import read_config

    source = request.config
    if source is None and request.resume:
        source = require_run(request.output, _name(request)) / CONFIGURATION
    values = _changed({} if source is None else read_config(source), request)
    chosen = _choose_validation(values)
    _require_dataset(values, request.task)
    _require_task(values, request.task)
    config = parse_config(
        values,
        source="" if source is None else display_name(source),
        origins=_origins(request),
    )
    if request.resume:
        require_run(request.output, config.name)
    if chosen and is_main_process():
        typer.echo(f"srkit: {chosen}", err=True)
    return config


@contextmanager
def origins_named(request: Request) -> Iterator[None]:
    """Say where a value is from that is refused only when the run is made ready."""
    from srkit.images.naming import display_name
    from srkit.training.config_check import named

    try:
        yield
    except ConfigError as error:
        source = "" if request.config is None else display_name(request.config)
        raise named(error, source=source, origins=_origins(request)) from None


def _name(request: Request) -> str:
    """Give the name of the run that is asked for, which needs few of the words."""
    naming = ("name", "scale", "network_g")
    words = [word for word in request.settings if word.split("=")[0].split(".")[0] in naming]
    return str(_changed({}, replace(request, settings=words)).get("name"))


def _changed(values: dict[str, Any], request: Request) -> dict[str, Any]:
    """Give the values under options and settings, with a model and a name."""
    from srkit.training.config_words import apply, put

    options = request.options
    values = apply(values, [])  # a copy
    _forget_other_images(values, options.get("--dataset"))
    for option, key in KEYS.items():
        if options.get(option) is not None:
            put(values, key, _value(option, options), shown=option)
    model = options.get("--model")
    network = values.get("network_g")
    if model is not None and not (isinstance(network, dict) and network.get("type") == model):
        values["network_g"] = {"type": model}  # settings of another model are not this one's
    values = apply(values, request.settings)
    network = values.setdefault("network_g", {})
    standard = CLASSIFIER if request.task == "classify" else MODEL
    if not isinstance(network, dict) or not isinstance(network.setdefault("type", standard), str):
        return values  # to be refused
    scale = _scale(network, values.get("scale"))
    side = options.get("--patch-size")
    if side is not None and GT_SIZE not in _set_keys(request):
        # A side that is refused is refused as it was given.
        put(values, GT_SIZE, side * (scale or 1) if side > 0 else side, shown="--patch-size")
    if values.get("name") is None:
        values["name"] = f"{network['type']}-x{scale}" if scale else network["type"]
    return values


def _forget_other_images(values: Mapping[str, Any], roots: list[str] | None) -> None:
    """Drop what a file says of the images it names, where others are to take their place."""
    datasets = values.get("datasets")
    images = datasets.get("train") if isinstance(datasets, dict) else None
    if isinstance(images, dict) and roots is not None and _roots(images) != roots:
        for key in ("name", "dataroot_lq", "weights", "lr_track"):
            images.pop(key, None)


def _roots(images: Mapping[str, Any]) -> list[Any]:
    """Give the folders a section names; one may stand for a list of one."""
    roots = images.get("dataroot_gt") or []
    return [roots] if isinstance(roots, str) else roots


def _value(option: str, options: Mapping[str, Any]) -> Any:
    from srkit.evaluation.benchmarks import DIV2K_VALID

    given, track = options[option], options.get("--lr-track")
    if option != "--validation":
        return given
    # A track is that of both halves of DIV2K, or a score would be that of another task.
    return [
        {"dataroot_gt": one}
        | ({"lr_track": track} if track is not None and one.lower() == DIV2K_VALID.lower() else {})
        for one in given
    ]


def _scale(network: Mapping[str, Any], given: Any) -> int | None:
    """Give the scale the network will have; None for an autoencoder, and where it is unclear."""
    from srkit.models import MODELS, PRESETS

    kind, preset = PRESETS.get(network["type"], ("", {}))
    if not kind:
        return None  # to be refused
    standard = getattr(MODELS[kind][0](), "scale", None)
    if standard is None:
        return None
    scale = network.get("scale") or given or preset.get("scale", standard)
    return scale if isinstance(scale, int) else None


def _choose_validation(values: dict[str, Any]) -> str | None:
    """Validate a run on DIV2K on Set5 where it is found, unless something is said about it.

    Gives what to say about that.
    """
    from srkit.data.datasets import DEFAULT_ROOT
    from srkit.evaluation.benchmarks import find_dataset

    datasets = values.get("datasets")
    if not isinstance(datasets, dict) or not isinstance(datasets.get("train"), dict):
        return None
    roots = [str(root).upper() for root in _roots(datasets["train"])]
    if "val" in datasets or "DIV2K" not in roots:
        return None
    data_root = str(datasets.get("data_root") or DEFAULT_ROOT)
    try:
        found = find_dataset("Set5", Path(data_root))
    except DataError:
        return (
            f"no validation: Set5 is not under {data_root} "
            "(--data-root DIR, --validation FOLDER, or DIV2K-valid, which is downloaded)"
        )
    datasets["val"] = [{"dataroot_gt": found.name}]
    return f"validating on {found.name} in {found.folder}"


def _require_dataset(values: Mapping[str, Any], task: str | None) -> None:
    datasets = values.get("datasets")
    if datasets is None or (isinstance(datasets, dict) and datasets.get("train") is None):
        given = "DIV2K, or a folder of HR images"
        if task == "classify":
            given = "FOLDER, with a folder of images for each class or a labels.csv"
        raise ConfigError("there are no images to train on", hint=f"--dataset {given}")


def _require_task(values: Mapping[str, Any], task: str | None) -> None:
    """Refuse a model that is for another task."""
    from srkit.models import CLASSIFIER_PRESETS, PRESETS

    network = values.get("network_g")
    name = network.get("type") if isinstance(network, dict) else None
    known = {"sr": PRESETS, "classify": CLASSIFIER_PRESETS}
    for own, names in known.items():
        if name in names and task not in (own, None):
            raise ConfigError(
                f"--task {task}: {name} is not for that",
                hint=f"--model {', '.join(known[task])}",
            )


def _origins(request: Request) -> dict[str, str]:
    """Say which option a key's value is from, for the messages about it."""
    given = {option for option, value in request.options.items() if value is not None}
    origins = {key: option for option, key in KEYS.items() if option in given}
    if "--model" in given:
        origins["network_g.type"] = "--model"
    if "--patch-size" in given:
        origins[GT_SIZE] = "--patch-size"
    return origins | {key: f"--set {key}" for key in _set_keys(request)}


def _set_keys(request: Request) -> list[str]:
    from srkit.training.config_words import split

    return [split(word)[0] for word in request.settings]
