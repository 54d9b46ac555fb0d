"""What a model costs: parameters, and multiply-adds for each pixel it is given.

Convention
    A multiply-add is one multiplication with its addition, in convolutions and matrix products;
    additions, activations and transforms without weights are not counted, as in the field's
    tables. The count is of the forward pass over a 64 x 64 image, divided by its 4,096 pixels, so
    that what a model does once an image (a gate from its mean) counts as good as nothing. Attention
    of every pixel to every other takes more, pixel by pixel, the larger the image is.
    Over-parametrised convolutions count as the plain ones they become. Of a classifier they are
    counted for an image of its own size.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from srkit.models import build_model, name_of, settings_of
from srkit.models.classifier import Classifier
from srkit.models.folding import folded
from srkit.models.model import Model
from srkit.models.network import Network

SIDE = 64


def _attention(
    query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: Any, **__: Any
) -> int:
    flops: int = sdpa_flop_count(query, key, value)
    return flops


# torch counts attention as it is computed on GPUs; on a processor it would be for nothing.
_ON_PROCESSORS = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}


def parameters(network: Network) -> int:
    """Count the weights of a checkpoint, frozen ones too: kernels are no products in it."""
    if isinstance(network, Model) and (settings := settings_of(network)).get("expansion"):
        with torch.device("meta"):  # to be counted, not computed with
            network = build_model(name_of(network), settings | {"expansion": 0})
    return sum(weight.numel() for weight in network.parameters())


def multiply_adds(model: Model, *, side: int = SIDE) -> float:
    """Count the multiply-adds for each LR pixel; for an autoencoder, for each pixel.

    The pixels are those of a square image.
    """
    model = folded(model)
    settings = settings_of(model)
    if settings.get("border"):  # what an image is continued by is not the network's cost a pixel
        plain = build_model(name_of(model), settings | {"border": 0})
        model = plain.to(next(model.parameters()).device)
    return _count(model, side) / side**2


def multiply_adds_an_image(classifier: Classifier) -> float:
    """Count the multiply-adds of a classifier for one image."""
    return _count(classifier, classifier.image_size)


def _count(network: Network, side: int) -> float:
    device = next(network.parameters()).device
    image = torch.zeros(1, network.image_channels, side, side, device=device)
    was_training = network.training
    counter = FlopCounterMode(display=False, custom_mapping=_ON_PROCESSORS)
    try:
        with torch.no_grad(), counter:
            network.eval()(image)
    finally:
        network.train(was_training)
    return counter.get_total_flops() / 2
