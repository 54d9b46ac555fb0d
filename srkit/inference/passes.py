"""Take the pixels of a file through a chain of models, in the depth they are stored in.

A pass that ends at the size wanted writes 8- or 16-bit pixels tile by tile, and no float copy of
the result is ever made. Between two passes, and before shrinking to a size no chain gives
exactly, the image is held as floats: 12 bytes a pixel of RGB.
"""

# Shapes: B batch (here 1), K image channels, H W height and width.

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from srkit.images import from_tensor, to_tensor
from srkit.images.image import Samples
from srkit.inference.tile_runner import Notice, Progress, Read, Tiling, Traits, Write, run_tiles
from srkit.inference.tiling import Region
from srkit.transforms.resize import imresize


def enlarge_pixels(
    pixels_HWK: Samples,
    chain: Sequence[nn.Module],
    target: tuple[int, int],
    *,
    tiling: Tiling,
    shares: Iterator[Progress],
    notice: Notice,
) -> Samples:
    """Run one model after another, then shrink to the target (height, width) if they overshoot.

    One band through a model of three is repeated, and the result averaged. `shares` gives every
    pass its progress.

    Shape: (H, W, K) uint8 or uint16 -> (*target, K) of the same type.
    """
    height, width, bands = pixels_HWK.shape
    read = read_pixels(pixels_HWK, Traits.of(chain[0]).image_channels)
    enlarged_BKHW = torch.empty(0)
    for model in chain:
        traits = Traits.of(model)
        larger = traits.scale * height, traits.scale * width
        if larger == target:
            enlarged_HWK = np.empty((*target, bands), pixels_HWK.dtype)
            write = write_pixels(enlarged_HWK)
        else:
            enlarged_BKHW = torch.empty(1, traits.image_channels, *larger)
            write = write_floats(enlarged_BKHW)
        run_tiles(
            model, (height, width), read, write, tiling=tiling, progress=next(shares), notice=notice
        )
        if larger == target:
            return enlarged_HWK
        read, (height, width) = read_floats(enlarged_BKHW), larger
    shrunk_BKHW = imresize(_with_bands(enlarged_BKHW, bands), size=target)
    return from_tensor(shrunk_BKHW, pixels_HWK.dtype)


def share_progress(progress: Progress | None, counts: Sequence[int]) -> Iterator[Progress]:
    """Turn one progress into one for each pass of `counts` tiles, that counts over all of them."""
    for index, _ in enumerate(counts):

        def share(
            done: int,
            total: int,
            before: int = sum(counts[:index]),
            after: int = sum(counts[index + 1 :]),
        ) -> None:
            if progress is not None:
                progress(before + done, before + total + after)

        yield share


def read_floats(image_BKHW: Tensor) -> Read:
    """Read tiles of a float image."""
    return lambda region: image_BKHW[..., region.rows, region.columns]


def write_floats(image_BKHW: Tensor) -> Write:
    """Write tiles into a float image."""

    def write(region: Region, tile_BKHW: Tensor) -> None:
        image_BKHW[..., region.rows, region.columns] = tile_BKHW

    return write


def read_pixels(pixels_HWK: Samples, bands: int) -> Read:
    """Read tiles of stored pixels as floats; one band is repeated to make up `bands`."""

    def read(region: Region) -> Tensor:
        tile_BKHW = to_tensor(pixels_HWK[region.rows, region.columns])
        return tile_BKHW.expand(-1, bands, -1, -1)

    return read


def write_pixels(pixels_HWK: Samples) -> Write:
    """Write tiles as pixels of the array's type; many bands are averaged into one."""

    def write(region: Region, tile_BKHW: Tensor) -> None:
        tile_BKHW = _with_bands(tile_BKHW, pixels_HWK.shape[2])
        pixels_HWK[region.rows, region.columns] = from_tensor(tile_BKHW, pixels_HWK.dtype)

    return write


def _with_bands(image_BKHW: Tensor, bands: int) -> Tensor:
    if image_BKHW.shape[1] == bands:
        return image_BKHW
    assert bands == 1, "only gray images go through models of more bands"
    # All bands are equal but for what the model made of them: no weights, as for luma.
    return image_BKHW.mean(1, keepdim=True)
