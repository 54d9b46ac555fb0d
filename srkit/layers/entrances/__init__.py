"""Entrances: how an image becomes the features a body works on, by name.

To add one: write a file here, whose class takes the image's channels and the body's features and
is an `Entrance`; add one line below. tests/layers/test_entrances.py then covers it.
"""

from collections.abc import Callable

from srkit.layers.entrances.entrance import Entrance
from srkit.layers.entrances.haar import HaarEntrance
from srkit.layers.entrances.plain import PlainEntrance
from srkit.layers.registry import lookup

ENTRANCES: dict[str, Callable[[int, int], Entrance]] = {
    "plain": PlainEntrance,
    "haar": HaarEntrance,
}


def create_entrance(name: str, image_channels: int, features: int) -> Entrance:
    """Build the entrance called `name` from `image_channels` to `features`."""
    return lookup(ENTRANCES, "entrance", name)(image_channels, features)
