"""Networks that work on what an LPAE makes of images: what the trainer needs to know of them."""

from typing import ClassVar

from srkit.models.lpae import LPAE


class HoldsLPAE:
    """A network around an LPAE, trained beforehand and frozen unless both are trained together."""

    lpae: LPAE
    what_it_does: ClassVar[str]
    """With the LPAE, in two or three words, for messages."""
