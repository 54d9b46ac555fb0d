"""What there is to choose from: every attention mechanism, as its class and its file tell of it."""

import re
import sys
from dataclasses import dataclass

from srkit.layers.attention import ATTENTION, TEMPORAL_ATTENTION
from srkit.layers.attention.attention import Attention, Category, PoolingAttention

# The width whose parameters are counted, that of most super-resolution networks.
CHANNELS = 64


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """One row of the catalogue."""

    name: str
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
    return [_described(*entry) for entry in (*ATTENTION.items(), *TEMPORAL_ATTENTION.items())]


def _described(name: str, kind: type[Attention]) -> Mechanism:
    text = sys.modules[kind.__module__].__doc__
    assert text is not None
    link = re.search(r"https://\S+[^\s.,;:)]", text)
    pools = issubclass(kind, PoolingAttention)
    return Mechanism(
        name=name,
        title=text.partition("\n")[0].rstrip("."),
        category=kind.category,
        scope="global" if pools else "local",
        local_form=pools,
        parameters=sum(parameter.numel() for parameter in kind(CHANNELS).parameters()),
        source=link.group() if link else "srkit's own",
    )
