"""LPIPS, the learned perceptual distance: AlexNet, version 0.1. Lower is closer; 0 is identical.

The network and its linear heads are the `lpips` package's. The AlexNet features below them, which
the package would download, ship with srkit in checkpoints/lpips-alexnet.safetensors (ImageNet-1k
weights as torchvision publishes them, BSD-3-Clause).

Calibration: on three pairs of a public table (512 x 384; reference values 0.7237, 0.2572, 0.05079)
this reads 0.7237, 0.2572 and 0.05079.

Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
CVPR 2018, https://arxiv.org/abs/1801.03924.
"""

import hashlib
import math
import warnings
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from torch import Tensor

from srkit.checkpoint import checkpoints_folder
from srkit.errors import CheckpointError
from srkit.images.image import Samples
from srkit.images.naming import display_name

NAME = "LPIPS (AlexNet, v0.1)"
SHIPPED = "lpips-alexnet.safetensors"
SHIPPED_SHA256 = "17dd9fc859d401644ad852f80bde099567a73341c86f627d4cce882f23291f4d"
SMALLEST = 31  # AlexNet's two poolings leave nothing of a smaller image


def shipped_weights() -> Path:
    """Give where the AlexNet features that ship with srkit are, or should be."""
    return checkpoints_folder() / SHIPPED


class Perceptual:
    """Measure LPIPS between two images.

    `weights` is a safetensors file of AlexNet's features under torchvision's names
    (`features.0.weight` ...); without it the shipped ones are used. The state of torch's random
    number generator is left as it was.

    Raises: CheckpointError when the file is missing, damaged or holds something else.
    """

    def __init__(self, weights: Path | None = None, *, device: str | torch.device = "cpu") -> None:
        features = read_features(weights or shipped_weights(), shipped=weights is None)
        import lpips  # here and not above: with scipy and torchvision it takes seconds

        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            # torchvision warns of the way lpips asks for an AlexNet without weights.
            warnings.simplefilter("ignore")
            # The heads are the only thing loaded here; torch reads them with weights_only=True.
            self.network = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
        # lpips slices AlexNet but keeps the layers' numbers: features.3 is slice2.3.
        slots = {f"features.{k.split('.', 1)[1]}": k for k in self.network.net.state_dict()}
        self.network.net.load_state_dict({slots[name]: features[name] for name in slots})
        self.network.to(device).eval().requires_grad_(False)
        self.device = torch.device(device)

    def __call__(self, prediction: Samples, reference: Samples) -> float:
        """Measure the distance of two (H, W, 3) uint8 or uint16 images of the same size.

        NaN when they are smaller than 31 x 31.
        """
        if min(prediction.shape[:2]) < SMALLEST:
            return math.nan
        with torch.inference_mode():
            distance: Tensor = self.network(self._input(prediction), self._input(reference))
        return distance.item()

    def _input(self, image: Samples) -> Tensor:
        """Bring an image to (1, 3, H, W) in [-1, 1]."""
        unit = image.astype(np.float32) / np.float32(np.iinfo(image.dtype).max)
        return torch.from_numpy(2 * unit - 1).permute(2, 0, 1)[None].to(self.device)


# AlexNet's five convolutions: (outputs, inputs, kernel) by their number in torchvision.
CONVOLUTIONS = {
    0: (64, 3, 11),
    3: (192, 64, 5),
    6: (384, 192, 3),
    8: (256, 384, 3),
    10: (256, 256, 3),
}


def read_features(path: Path, *, shipped: bool = False) -> dict[str, Tensor]:
    """Read AlexNet's feature weights; the shipped file must have the sha256 it was released with.

    Raises: CheckpointError when the file is missing, damaged or holds something else.
    """
    name = display_name(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CheckpointError(
            f"{name}: {reason}",
            hint="LPIPS needs AlexNet's features as .safetensors: --lpips-weights FILE",
        ) from None
    if shipped and hashlib.sha256(data).hexdigest() != SHIPPED_SHA256:
        raise CheckpointError(
            f"{name}: damaged, its contents do not match its sha256",
            hint="fetch or copy the file again",
        )
    try:
        tensors = from_bytes(data)
    except (SafetensorError, ValueError):
        raise CheckpointError(f"{name}: not a safetensors file, or a damaged one") from None
    features = {}
    for number, (outputs, inputs, kernel) in CONVOLUTIONS.items():
        for part, shape in (("weight", (outputs, inputs, kernel, kernel)), ("bias", (outputs,))):
            key = f"features.{number}.{part}"
            if key not in tensors or tuple(tensors[key].shape) != shape:
                raise CheckpointError(f"{name}: not AlexNet's features, no {key} of shape {shape}")
            features[key] = tensors[key]
    return features
