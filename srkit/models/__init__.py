"""The models srkit can build, train and load, by name.

To add one: write a file here with a frozen config and a module that states `scale`,
`image_channels`, `receptive_field` and `size_multiple`; add one line to MODELS. A named
configuration of one is a line in PRESETS, by which it is trained. Once its smallest configuration
is in tests/models/test_models.py, the tests there cover it. Classifiers have dicts of their own;
tests/models/test_classifiers.py is theirs.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from srkit.errors import ConfigError
from srkit.models.building import build
from srkit.models.classifier import Classifier
from srkit.models.dwsr import DWSR, DWSRConfig
from srkit.models.lapsrn import LapSRN, LapSRNConfig
from srkit.models.lpae import LPAE, LPAEConfig
from srkit.models.lpae_classifier import LPAEClassifier, LPAEClassifierConfig
from srkit.models.lpae_srnet import LPAESRNet, LPAESRNetConfig
from srkit.models.lpsr import BodyLPSR, LPSRConfig
from srkit.models.model import Model
from srkit.models.ms_lapsrn import MSLapSRN, MSLapSRNConfig
from srkit.models.mwcnn import MWCNN, MWCNNConfig
from srkit.models.network import Network
from srkit.models.sr_network import SRNetwork, SRNetworkConfig
from srkit.models.wrn_eca import WRNECA, WRNECAConfig

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

# What the released networks share: a chain of convolutions at the image's size, bands at its end;
# while they are trained their kernels are products, without which such a chain learns badly.
_CHAIN = {
    "entrance": "plain",
    "block": "convolution",
    "head": "wavelet",
    "expansion": 128,
    "border": 4,
    "antiring": 3.0,
}

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


CLASSIFIERS: dict[str, tuple[type[Any], type[Classifier]]] = {
    "lpae_classifier": (LPAEClassifierConfig, LPAEClassifier),
    "wrn_eca": (WRNECAConfig, WRNECA),
}

CLASSIFIER_PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    "wrn-b4-eca": ("wrn_eca", {}),
    "wrn-b4-eca-dw": ("wrn_eca", {"depth": 1.8, "width": 1.4, "resolution": 1.8}),
    "lpae-vgg16": ("lpae_classifier", {}),
    "lpae-resnet50": ("lpae_classifier", {"backbone": "resnet50"}),
    "lpae-small": ("lpae_classifier", {"backbone": "small", "features": 32, "image_size": 32}),
}


def build_model(name: str, settings: Mapping[str, Any] | None = None) -> Model:
    """Build a model from its registered name and its configuration's fields.

    Raises: ConfigError for an unknown name, an unknown field or a value of the wrong type.
    """
    return build(MODELS, "model", name, settings or {})


def build_classifier(name: str, settings: Mapping[str, Any]) -> Classifier:
    """Build a classifier in the same way; `classes` has no default.

    Raises: ConfigError as `build_model`.
    """
    return build(CLASSIFIERS, "classifier", name, settings)


def name_of(network: Network) -> str:
    """Give the registered name of a network's class."""
    for family in (MODELS, CLASSIFIERS):
        for name, (_, network_class) in family.items():
            if type(network) is network_class:
                return name
    raise ConfigError(f"{type(network).__name__} is not a registered model")


def settings_of(network: Network) -> dict[str, Any]:
    """Give the configuration a network was built from, as plain values."""
    return asdict(network.config)
