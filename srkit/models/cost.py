"""What a model costs: parameters, and multiply-adds for each pixel it is given.

Convention
    A multiply-add is one multiplication with its addition, in convolutions and matrix products;
    additions, activations and transforms without weights are not counted, as in the field's
    tables. The count is of the forward pass over a 64 x 64 image, divided by its 4,096 pixels, so
    that what a model does once an image (a gate from its mean) counts as good as nothing.
    Over-parametrised convolutions count as the plain ones they become.
"""

import torch
from torch.utils.flop_counter import FlopCounterMode

from srkit.models import build_model, name_of, settings_of
from srkit.models.folding import folded
from srkit.models.model import Model

SIDE = 64


def parameters(model: Model) -> int:
    """Count the weights, frozen ones too."""
    return sum(weight.numel() for weight in folded(model).parameters())


def multiply_adds(model: Model) -> float:
    """Count the multiply-adds for each LR pixel; for an autoencoder, for each pixel."""
    model = folded(model)
    settings = settings_of(model)
    if settings.get("border"):  # what an image is continued by is not the network's cost a pixel
        plain = build_model(name_of(model), settings | {"border": 0})
        model = plain.to(next(model.parameters()).device)
    device = next(model.parameters()).device
    image = torch.zeros(1, model.image_channels, SIDE, SIDE, device=device)
    was_training = model.training
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            model.eval()(image)
    finally:
        model.train(was_training)
    return counter.get_total_flops() / 2 / SIDE**2
