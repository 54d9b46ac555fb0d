"""srkit: image super-resolution and autoencoding with wavelets, Laplacian pyramids and attention.

    import srkit
    large = srkit.upscale("photo.jpg", scale=4)             # an array
    srkit.upscale("photo.jpg", "large.png", scale=1.5)      # a file, profile and date kept
    network = srkit.load("lapwave-m-x4").module             # a torch module
    parts = srkit.decompose("photo.jpg", "lpae", levels=2)  # parts.reconstruct()

Nothing heavy is imported before one of these is called.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from srkit.checkpoint import Checkpoint
    from srkit.images import Image
    from srkit.inference.decomposition import Decomposition

    Source = str | os.PathLike[str] | NDArray[np.uint8 | np.uint16]

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


def upscale(
    image: Source,
    output: str | os.PathLike[str] | None = None,
    *,
    model: str = "lapwave-m",
    scale: float | None = None,
    tile: int | None = None,
    device: str = "auto",
) -> NDArray[np.uint8 | np.uint16]:
    """Enlarge an image file or array, and write the result to `output` if that is given.

    Shape: (H, W) or (H, W, 1) gray, (H, W, 2) gray and alpha, (H, W, 3) RGB, (H, W, 4) RGB and
    alpha, (H, W, 5 or more) bands, uint8 or uint16 -> the same kind, larger.
    `scale` is any factor above 1 and up to 16 (4 when not given, or the scale of a model given
    alone); `tile` the side of a tile in pixels of the input, 0 = none.

    Raises: an SrkitError: ImageError for the files, CheckpointError for the model, ConfigError for
        the options.
    """
    from pathlib import Path

    import numpy as np

    from srkit.images import write_image
    from srkit.inference.device import choose_device
    from srkit.inference.family import load_family
    from srkit.inference.tile_runner import Tiling
    from srkit.inference.upscaler import upscale_image

    family = load_family(model, choose_device(device))
    source = _read(image)
    larger = upscale_image(
        family.modules,
        source,
        scale=family.scale if scale is None else scale,
        tiling=Tiling(tile=tile),
    )
    if output is not None:
        write_image(Path(output), larger)
    colour = larger.colour
    if larger.alpha is not None:
        colour = np.dstack((colour, larger.alpha))
    if colour.shape[2] == 1 and getattr(image, "ndim", 3) == 2:
        colour = colour[..., 0]
    return colour


def decompose(
    image: Source, method: str | os.PathLike[str] = "lpae", *, levels: int = 1
) -> Decomposition:
    """Take an image apart by `haar`, `laplacian`, any wavelet, or an LPAE; alpha is left out.

    The parts are tensors, fine to coarse; `.reconstruct()` puts them back together.

    Raises: ImageError for the file, ConfigError and CheckpointError for the method.
    """
    from srkit.images import to_tensor
    from srkit.inference import decomposition

    return decomposition.decompose(to_tensor(_read(image).colour), method, levels=levels)


def _read(image: Source) -> Image:
    from pathlib import Path

    import numpy as np

    from srkit.errors import ImageError
    from srkit.images import Image, read_image

    if not isinstance(image, np.ndarray):
        return read_image(Path(image))
    pixels = image[..., None] if image.ndim == 2 else image
    if pixels.ndim != 3 or pixels.size == 0 or pixels.dtype not in ("u1", "u2"):
        raise ImageError(
            f"array: {image.dtype} of shape {image.shape}; expected uint8 or uint16, (height, "
            "width) or (height, width, channels)"
        )
    if pixels.shape[2] in (2, 4):
        return Image(colour=pixels[..., :-1], alpha=pixels[..., -1])
    return Image(colour=pixels)
