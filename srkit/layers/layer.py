"""What every exchangeable layer states of itself."""

from torch import nn


class Layer(nn.Module):
    """A module that a slot of a model can hold."""

    receptive_field: int | None
    """Radius in pixels of the layer's own input; None = the whole image."""
