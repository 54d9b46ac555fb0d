"""The models srkit can build, train and load, by name.

To add one: write a file here with a frozen config and a module that states `scale`,
`image_channels`, `receptive_field` and `size_multiple`; add one line to MODELS. A named
configuration of one is a line in PRESETS, by which it is trained. Once its smallest configuration
is in tests/models/test_models.py, the tests there cover it.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from srkit.errors import ConfigError
from srkit.layers.registry import lookup
from srkit.models.dwsr import DWSR, DWSRConfig
from srkit.models.lapsrn import LapSRN, LapSRNConfig
from srkit.models.lpae import LPAE, LPAEConfig
from srkit.models.lpae_srnet import LPAESRNet, LPAESRNetConfig
from srkit.models.lpsr import BodyLPSR, LPSRConfig
from srkit.models.model import Model
from srkit.models.ms_lapsrn import MSLapSRN, MSLapSRNConfig
from srkit.models.mwcnn import MWCNN, MWCNNConfig
from srkit.models.sr_network import SRNetwork, SRNetworkConfig

MODELS: dict[str, tuple[type[Any], type[Model]]] = {
    "sr_network": (SRNetworkConfig, SRNetwork),
    "lpae": (LPAEConfig, LPAE),
    "lpsr": (LPSRConfig, BodyLPSR),
    "lpae_srnet": (LPAESRNetConfig, LPAESRNet),
    "dwsr": (DWSRConfig, DWSR),
    "mwcnn": (MWCNNConfig, MWCNN),
    "lapsrn": (LapSRNConfig, LapSRN),
    "ms_lapsrn": (MSLapSRNConfig, MSLapSRN),
}

# What the released networks share: a chain of convolutions at the image's size, bands at its end.
_CHAIN = {"entrance": "plain", "block": "convolution", "head": "wavelet"}

# A model's name and what differs from its defaults.
PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "lapwave-s": ("sr_network", {**_CHAIN, "features": 16, "blocks": 7}),
    "lapwave-m": (
        "sr_network",
        {**_CHAIN, "features": 32, "blocks": 10, "attention": "haar_gate", "attention_every": 5},
    ),
    "sr_network": ("sr_network", {}),
    "lpae": ("lpae", {}),
    "lpsr": ("lpsr", {}),
    # The published networks, as large as published.
    "lpae-srnet": ("lpae_srnet", {}),
    "dwsr": ("dwsr", {}),
    "mwcnn": ("mwcnn", {}),
    "mwcnn-v2": (
        "mwcnn",
        {
            "features": 64,
            "most_features": 512,
            "convolutions": 3,
            "full_size": True,
            "dilated": True,
        },
    ),
    "lapsrn": ("lapsrn", {}),
    "ms-lapsrn": ("ms_lapsrn", {}),
    # Wave-ViT's block in a network for super-resolution; windows keep its attention affordable.
    "wavevit-sr": (
        "sr_network",
        {
            "entrance": "plain",
            "block": "wavelets",
            "features": 64,
            "blocks": 8,
            "attention_window": 16,
        },
    ),
}


def build_model(name: str, settings: Mapping[str, Any] | None = None) -> Model:
    """Build a model from its registered name and its configuration's fields.

    Raises: ConfigError for an unknown name, an unknown field or a value of the wrong type.
    """
    config_class, model_class = lookup(MODELS, "model", name)
    known = {field.name: field.type for field in fields(config_class)}
    for key, value in (settings or {}).items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ConfigError(
                f"{name} has no setting {key!r}: choose one of {', '.join(known)}",
                hint=f"did you mean {near[0]!r}?" if near else None,
            )
        expected = known[key]
        kinds = get_args(expected) if get_origin(expected) else (expected,)
        if float in kinds:
            kinds = (*kinds, int)
        # bool is an int to Python, never to a reader.
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            wanted = getattr(expected, "__name__", str(expected))
            raise ConfigError(f"{name}: {key} must be of type {wanted}, got {value!r}")
    return model_class(config_class(**(settings or {})))


def name_of(model: Model) -> str:
    """Give the registered name of a model's class."""
    for name, (_, model_class) in MODELS.items():
        if type(model) is model_class:
            return name
    raise ConfigError(f"{type(model).__name__} is not a registered model")


def settings_of(model: Model) -> dict[str, Any]:
    """Give the configuration a model was built from, as plain values."""
    return asdict(model.config)
