"""What every model states of itself; the tiler, the trainer and the tables go by it."""

from srkit.models.network import Network


class Model(Network):
    """A network that turns (B, K, H, W) in [0, 1] into (B, K, scale*H, scale*W), not clamped.

    It takes any height and width from one pixel on.
    """

    scale: int
    """Enlargement; 1 for an autoencoder."""
    receptive_field: int | None
    """Radius, in pixels of the input, that an output pixel depends on; None = the whole image."""
    size_multiple: int
    """Where an image is cut into tiles, the cuts must lie on multiples of this."""
