"""How many doublings a scale is, for the heads that enlarge an octave at a time."""

from srkit.errors import ConfigError


def octaves(scale: int, what: str) -> int:
    """Count the doublings that reach `scale`.

    Raises: ConfigError when the scale is not a power of two.

    >>> octaves(4, "the wavelet head")
    2
    """
    if scale < 2 or scale & (scale - 1):
        raise ConfigError(
            f"{what} enlarges by powers of two, got scale {scale}",
            hint="sr_network with head=pixel_shuffle also takes 3",
        )
    return scale.bit_length() - 1
