"""What every entrance states of itself, and the way back that it gives."""

from abc import abstractmethod

from torch import Tensor

from srkit.layers.layer import Layer


class Entrance(Layer):
    """A way from the image to a body's features, and back to features of the image's size."""

    receptive_field: int
    """What entering and leaving add to a model's radius, in image pixels."""
    stride: int
    """Image pixels a feature pixel."""
    exit_features: int
    """Channels that `leave` gives."""

    @abstractmethod
    def leave(self, features_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
        """Turn the body's features into features of the image's (height, width)."""
