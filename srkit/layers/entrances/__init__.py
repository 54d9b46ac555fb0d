"""Entrances: how an image becomes the features a body works on, by name.

An entrance also leads back: `leave` turns the body's features into features at the image's own
size for the head. It states `stride` (image pixels a feature pixel), `receptive_field` (what
entering and leaving add to a model's radius, in image pixels) and `exit_features` (channels that
`leave` gives).

To add one: write a file here, whose class takes the image's channels and the body's features;
add one line below. tests/layers/test_entrances.py then covers it.
"""

from srkit.layers.entrances.haar import HaarEntrance
from srkit.layers.entrances.plain import PlainEntrance
from srkit.layers.registry import lookup

Entrance = PlainEntrance | HaarEntrance

ENTRANCES: dict[str, type[PlainEntrance] | type[HaarEntrance]] = {
    "plain": PlainEntrance,
    "haar": HaarEntrance,
}


def create_entrance(name: str, image_channels: int, features: int) -> Entrance:
    """Build the entrance called `name` from `image_channels` to `features`."""
    return lookup(ENTRANCES, "entrance", name)(image_channels, features)
