"""What every exchangeable layer states of itself."""

from collections.abc import Iterable

from torch import nn


class Layer(nn.Module):
    """A module that a slot of a model can hold."""

    receptive_field: int | None
    """Radius in pixels of the layer's own input; None = the whole image."""
    size_multiple: int = 1
    """The layer works on a grid of so many pixels: a tile has to start on it."""


def chained(fields: Iterable[int | None]) -> int | None:
    """Give the receptive field of layers in a row: their sum, or the image where one sees that.

    >>> chained([2, 5]), chained([2, None])
    (7, None)
    """
    known: list[int] = []
    for field in fields:
        if field is None:
            return None
        known.append(field)
    return sum(known)
