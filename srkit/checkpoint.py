"""One file is one model: weights, configuration and model card in a safetensors file.

Convention
    The header's metadata holds strings: `srkit` (the format's version, "1"), `model` (a name of
    MODELS or CLASSIFIERS in `srkit.models`), `config` and `card` (JSON), and `sha256`, taken over
    all the others and over every tensor's name, type, shape and bytes in the order of the names.
    Loading recomputes it: a flipped bit anywhere is an error. Nothing is ever unpickled.

Source: the file format is https://github.com/huggingface/safetensors.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from srkit.errors import CheckpointError, ConfigError
from srkit.files import write_atomically
from srkit.models import CLASSIFIERS, build_classifier, build_model, name_of, settings_of
from srkit.models.classifier import Classifier
from srkit.models.model import Model
from srkit.models.network import Network

FORMAT = "1"
SUFFIX = ".safetensors"


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a person should know about a model before using it."""

    name: str
    summary: str = ""
    licence: str = ""
    data: str = ""
    command: str = ""
    steps: int = 0
    hours: float = 0.0
    scores: list[dict[str, Any]] = field(default_factory=list)
    """One entry a measurement: set, protocol, scale, psnr, ssim and what else was measured."""
    cost: dict[str, float] = field(default_factory=dict)
    """Parameters, multiply-adds for each LR pixel, milliseconds an output megapixel."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a checkpoint says of itself; read without touching the weights."""

    path: Path
    model: str
    config: dict[str, Any]
    card: Card
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Checkpoint(Header):
    """A model ready to use, with what its file says of it."""

    module: Model


@dataclass(frozen=True, kw_only=True)
class ClassifierCheckpoint(Header):
    """A classifier ready to use, with what its file says of it."""

    module: Classifier


def checkpoints_folder() -> Path:
    """Give the folder of released checkpoints: inside the package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "checkpoints"
    return inside if inside.is_dir() else package.parent / "checkpoints"


def released() -> dict[str, Path]:
    """Give the released models by name; files that hold no srkit model are left out."""
    found = {}
    for path in sorted(checkpoints_folder().glob(f"*{SUFFIX}")):
        try:
            with safe_open(path, framework="pt") as file:
                ours = "srkit" in (file.metadata() or {})
        except (SafetensorError, OSError):
            ours = True  # a damaged one keeps its name, so that whoever loads it is told
        if ours:
            found[path.name.removesuffix(SUFFIX)] = path
    return found


def find(name_or_path: str | os.PathLike[str]) -> Path:
    """Turn a released model's name or a path into the path of an existing file.

    Raises: CheckpointError when it is neither.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    names = released()
    if str(name_or_path) in names:
        return names[str(name_or_path)]
    if path.is_dir():
        raise CheckpointError(f"{path}: a folder, not a checkpoint file")
    raise unknown(str(name_or_path), list(names))


def unknown(name: str, choices: Sequence[str], kind: str = "released models") -> CheckpointError:
    """Make the error for a name that is neither a file nor one of `choices`."""
    near = [f"did you mean {choice!r}?" for choice in get_close_matches(name, choices, n=1)]
    listed = [f"{kind}: {', '.join(choices)}"] if choices else []
    return CheckpointError(
        f"{name}: neither a file nor a released model", hint=" ".join([*near, *listed]) or None
    )


def save(path: Path, module: Network, card: Card) -> str:
    """Write a network's weights, configuration and card; give the sha256 written with them.

    Raises: ConfigError when the model's class is not registered; OSError when the file cannot be
        written, and then an older file of that name stands untouched.
    """
    weights = {
        name: tensor.detach().to("cpu").contiguous() for name, tensor in module.state_dict().items()
    }
    metadata = {
        "srkit": FORMAT,
        "model": name_of(module),
        "config": json.dumps(settings_of(module), sort_keys=True),
        "card": json.dumps(asdict(card), sort_keys=True),
    }
    metadata["sha256"] = digest(metadata, weights)
    data = to_bytes(weights, metadata)
    write_atomically(path, lambda file: file.write(data))
    return metadata["sha256"]


def digest(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Compute the sha256 of a file's contents, as the convention above says."""
    sha = hashlib.sha256()
    stated = {key: value for key, value in metadata.items() if key != "sha256"}
    sha.update(json.dumps(stated, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        sha.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read a safetensors file of ours whole and verify its sha256.

    Raises: CheckpointError when the file is damaged, is no safetensors file or has no sha256.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            _require_ours(path, metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise _refusal(path, error) from None
    if digest(metadata, tensors) != metadata.get("sha256"):
        raise CheckpointError(
            f"{path}: damaged, its contents do not match its sha256",
            hint="fetch or copy the file again",
        )
    return metadata, tensors


def read_header(name_or_path: str | os.PathLike[str]) -> Header:
    """Read what a checkpoint says of itself, without its weights (whose sha256 goes unchecked).

    Raises: CheckpointError when there is no such file or it is not one of ours.
    """
    path = find(name_or_path)
    try:
        with safe_open(path, framework="pt") as file:
            return _parse(path, dict(file.metadata() or {}))
    except (SafetensorError, OSError, ValueError) as error:
        raise _refusal(path, error) from None


def load(name_or_path: str | os.PathLike[str], device: str | torch.device = "cpu") -> Checkpoint:
    """Load a released model by name, or any checkpoint of srkit's by path, in evaluation mode.

    Raises: CheckpointError when there is no such file, it is damaged, not one of ours or a
        classifier.
    """
    found = load_network(name_or_path, device)
    if isinstance(found, ClassifierCheckpoint):
        raise CheckpointError(
            f"{name_or_path}: a classifier, which makes no image", hint="srkit classify"
        )
    return found


def load_classifier(
    name_or_path: str | os.PathLike[str], device: str | torch.device = "cpu"
) -> ClassifierCheckpoint:
    """Load a classifier in the same way.

    Raises: CheckpointError as `load`, and when it is no classifier.
    """
    found = load_network(name_or_path, device)
    if isinstance(found, Checkpoint):
        raise CheckpointError(f"{name_or_path}: not a classifier", hint="srkit upscale")
    return found


def load_network(
    name_or_path: str | os.PathLike[str], device: str | torch.device = "cpu"
) -> Checkpoint | ClassifierCheckpoint:
    """Load whatever a checkpoint of srkit's holds.

    Raises: CheckpointError when there is no such file, it is damaged or not one of ours.
    """
    path = find(name_or_path)
    metadata, weights = read_tensors(path)
    header = _parse(path, metadata)
    stated = {f.name: getattr(header, f.name) for f in fields(Header)}
    try:
        if header.model in CLASSIFIERS:
            network: Network = build_classifier(header.model, header.config)
        else:
            network = build_model(header.model, header.config)
        network.load_state_dict(weights)
    except (ConfigError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: made for another version of srkit ({reason})") from None
    network.to(device).eval().requires_grad_(False)
    if isinstance(network, Classifier):
        return ClassifierCheckpoint(**stated, module=network)
    assert isinstance(network, Model)
    return Checkpoint(**stated, module=network)


def _require_ours(path: Path, metadata: Mapping[str, str]) -> None:
    if "srkit" not in metadata:
        raise CheckpointError(
            f"{path}: a safetensors file, but not an srkit checkpoint (no srkit entry)"
        )
    if metadata["srkit"] != FORMAT:
        raise CheckpointError(
            f"{path}: format {metadata['srkit']!r}, this srkit reads format {FORMAT!r}",
            hint="upgrade srkit",
        )


def _parse(path: Path, metadata: Mapping[str, str]) -> Header:
    _require_ours(path, metadata)
    if "state" in metadata:
        raise CheckpointError(
            f"{path}: the state of a training run, not a model", hint="its models/ folder has those"
        )
    try:
        card = json.loads(metadata["card"])
        known = {f.name for f in fields(Card)}
        return Header(
            path=path,
            model=metadata["model"],
            config=json.loads(metadata["config"]),
            card=Card(**{key: value for key, value in card.items() if key in known}),
            sha256=metadata["sha256"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path}: damaged header ({error!r})") from None


def _refusal(path: Path, error: Exception) -> CheckpointError:
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError) and error.strerror:
        return CheckpointError(f"{path}: {error.strerror.lower()}")
    return CheckpointError(
        f"{path}: not a safetensors file, or a damaged one",
        hint="srkit loads .safetensors checkpoints only, never pickled ones (.pt, .pth, .ckpt)",
    )
