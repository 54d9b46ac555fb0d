"""Take an image apart and put it back together: wavelet bands, a Laplacian pyramid, or LPAE.

All give one approximation and one detail a level, fine to coarse, and rebuild the image: wavelets
and the Laplacian pyramid exactly, LPAE as well as it was trained to.
"""

# Shapes: B batch, K image channels, H W height and width, h w those of the last level.

import os
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from srkit import checkpoint
from srkit.errors import ConfigError
from srkit.models.lpae import LPAE
from srkit.transforms import wavelet
from srkit.transforms.laplacian import collapse, laplacian_pyramid


@dataclass(frozen=True, kw_only=True, eq=False)
class Decomposition:
    """An image in parts."""

    method: str
    approximation: Tensor
    """(B, K, h, w); for wavelets 2 times as bright a level, because they keep the energy."""
    details: list[Tensor]
    """Fine to coarse. For wavelets (B, 3K, h, w) a level: horizontal, vertical, diagonal bands;
    for the others (B, K, H, W) a level."""
    size: tuple[int, int]
    """Height and width of the image."""
    lpae: LPAE | None = None

    def reconstruct(self) -> Tensor:
        """Put the parts, as they are now, back together: (B, K, H, W), not clamped."""
        if self.lpae is not None:
            with torch.no_grad():
                return self.lpae.reconstruct(self.approximation, self.details)
        if self.method == "laplacian":
            return collapse([*self.details, self.approximation])
        bands = [wavelet.Details(*detail.chunk(3, dim=1)) for detail in self.details]
        parts = wavelet.Decomposition(self.approximation, bands)
        return wavelet.reconstruct(parts, self.method, self.size)


def decompose(
    image_BKHW: Tensor, method: str | os.PathLike[str], *, levels: int = 1
) -> Decomposition:
    """Take images apart by `laplacian`, a wavelet (`haar`, `db2`, ...), or an LPAE checkpoint.

    Shape: (B, K, H, W) in [0, 1], any H and W >= 1.
    Raises: ConfigError when levels is below 1 or the model is no LPAE or has other bands;
        CheckpointError when there is no such model.
    """
    if levels < 1:
        raise ConfigError(f"levels must be at least 1, got {levels}")
    name = os.fspath(method)
    height, width = image_BKHW.shape[-2:]
    size = (height, width)
    if name in wavelet.wavelet_names():
        approximation, bands = wavelet.decompose(image_BKHW, name, levels=levels)
        details = [torch.cat(level, dim=1) for level in bands]
        return Decomposition(method=name, approximation=approximation, details=details, size=size)
    if name == "laplacian":
        *details, approximation = laplacian_pyramid(image_BKHW, levels)
        return Decomposition(method=name, approximation=approximation, details=details, size=size)
    lpae = _load_lpae(name, levels)
    if image_BKHW.shape[1] != lpae.image_channels:
        raise ConfigError(
            f"{name} takes images of {lpae.image_channels} bands, got {image_BKHW.shape[1]}"
        )
    with torch.no_grad():
        approximation, details = lpae.decompose(image_BKHW)
    return Decomposition(
        method=name, approximation=approximation, details=details, size=size, lpae=lpae
    )


def _load_lpae(name: str, levels: int) -> LPAE:
    module = checkpoint.load(name).module
    if not isinstance(module, LPAE):
        raise ConfigError(
            f"{name}: not an LPAE",
            hint="laplacian, a wavelet such as haar or db2, or an LPAE checkpoint",
        )
    # The levels share their weights, so one checkpoint serves any number of them.
    lpae = LPAE(replace(module.config, levels=levels))
    lpae.load_state_dict(module.state_dict())
    return lpae.eval().requires_grad_(False)
