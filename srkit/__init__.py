"""srkit: image super-resolution and autoencoding with wavelets, Laplacian pyramids and attention.

    import srkit
    model = srkit.load("lapwave-m-x4")
    large = srkit.upscale("photo.png", "photo-large.png", scale=4)
    approximation, details = srkit.decompose("photo.png", "lpae")

Nothing heavy is imported before the first of these is called.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from srkit.checkpoint import Checkpoint
    from srkit.images import Image

__all__ = ["__version__", "decompose", "list_models", "load", "upscale"]
__version__ = "0.1.0"


def load(name_or_path: str | os.PathLike[str], device: str = "cpu") -> Checkpoint:
    """Load a released model by name, or a checkpoint file; the network is its `module`.

    Raises: CheckpointError when there is no such model or the file is damaged.
    """
    from srkit import checkpoint

    return checkpoint.load(name_or_path, device)


def list_models() -> list[str]:
    """Give the names of the released models.

    >>> "lpae" in list_models()
    True
    """
    from srkit import checkpoint

    return list(checkpoint.released())
