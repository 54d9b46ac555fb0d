"""How many doublings a scale is, for the heads that enlarge an octave at a time."""

from srkit.errors import ConfigError


def octaves(scale: int, head: str) -> int:
    """Count the doublings that reach `scale`.

    Raises: ConfigError when the scale is not a power of two.

    >>> octaves(4, "wavelet")
    2
    """
    if scale < 2 or scale & (scale - 1):
        raise ConfigError(
            f"the {head} head enlarges by powers of two, got scale {scale}",
            hint="use head pixel_shuffle",
        )
    return scale.bit_length() - 1
