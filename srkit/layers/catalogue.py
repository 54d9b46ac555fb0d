"""What there is to choose from: every attention mechanism, as its class and its file tell of it."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from srkit.layers.attention import ATTENTION, TEMPORAL_ATTENTION
from srkit.layers.attention.attention import Attention, Category
from srkit.layers.attention.bridge import BridgeGate
from srkit.layers.stages.selective_depth import DepthAttention

# The width whose parameters are counted, that of most super-resolution networks.
CHANNELS = 64
BLOCKS = 4  # whose results a stage mixes
AnyAttention = Attention | BridgeGate | DepthAttention
IN_OTHER_SLOTS: dict[str, tuple[str, Callable[[int], AnyAttention]]] = {
    "bridge": ("block", lambda channels: BridgeGate((channels, channels), channels)),
    "sda": ("stage", lambda channels: DepthAttention(channels, BLOCKS)),
}
"""Attention to more than one map of features, which a block or a stage is built around."""


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """One row of the catalogue."""

    name: str
    slot: str
    """Which setting of a network takes the name; "burst" for what is given frames, and is none."""
    title: str
    category: Category
    scope: str
    """"global" for one that sums up the whole image, else "local"."""
    local_form: bool
    """Whether a window can be told to a global one."""
    parameters: int
    """For `CHANNELS` feature maps."""
    source: str


def catalogue() -> list[Mechanism]:
    """List all mechanisms, in the order of their dicts."""
    others = IN_OTHER_SLOTS.items()
    return [
        *(_described(name, "attention", kind(CHANNELS)) for name, kind in ATTENTION.items()),
        *(_described(name, slot, build(CHANNELS)) for name, (slot, build) in others),
        *(_described(name, "burst", kind(CHANNELS)) for name, kind in TEMPORAL_ATTENTION.items()),
    ]


def _described(name: str, slot: str, layer: AnyAttention) -> Mechanism:
    text = sys.modules[type(layer).__module__].__doc__
    assert text is not None
    link = re.search(r"https://\S+[^\s.,;:)]", text)
    pools = layer.receptive_field is None
    return Mechanism(
        name=name,
        slot=slot,
        title=text.partition("\n")[0].rstrip("."),
        category=layer.category,
        scope="global" if pools else "local",
        local_form=pools,
        parameters=sum(parameter.numel() for parameter in layer.parameters()),
        source=link.group() if link else "srkit's own",
    )
