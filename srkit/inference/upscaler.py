"""Enlarge one image with a model, or with a chain of them.

Convention
    Results are clamped to [0, 1]. An image of one band given to an RGB model is repeated three
    times, and the plain average of the result is kept. A size that no chain of whole scales gives
    is reached by enlarging beyond it, then shrinking: bicubic with antialias.
"""

# Shapes: B batch, K image channels, H W height and width, s scale.

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from srkit.errors import ConfigError, SrkitError
from srkit.images import Image, from_tensor, to_tensor
from srkit.images.image import Samples
from srkit.inference.alpha import bleed
from srkit.inference.bicubic import BicubicEnlarger
from srkit.inference.passes import enlarge_pixels, read_floats, share_progress, write_floats
from srkit.inference.sizes import LARGEST_SCALE, Enlargement, scale_chain
from srkit.inference.tile_runner import Notice, Progress, Tiling, Traits, run_tiles
from srkit.transforms.resize import imresize

Alpha = Literal["model", "bicubic", "drop"]


def upscale_tensor(
    model: nn.Module,
    image_BKHW: Tensor,
    *,
    tile: int | None = None,
    tiling: Tiling | None = None,
    progress: Progress | None = None,
    notice: Notice = warnings.warn,
) -> Tensor:
    """Enlarge images by a model's scale, tile by tile.

    `tile` is the side of a tile in LR pixels: None = chosen by the image's size, 0 = whole image;
    `tiling`, which goes before it, says more. The images of a batch are run one by one, so that
    none depends on the others.

    Shape: (B, K, H, W) in [0, 1] on any device -> (B, K, s*H, s*W), float32 on the CPU, clamped.
    Raises: ConfigError when the bands are not the model's; SrkitError when a result is not
        finite or the memory does not suffice; whatever the model raises.
    """
    traits = Traits.of(model)
    batch, bands, height, width = image_BKHW.shape
    if bands != traits.image_channels:
        raise ConfigError(_wrong_bands(bands, traits))
    enlarged_BKHW = torch.empty(batch, bands, traits.scale * height, traits.scale * width)
    tiling = tiling or Tiling(tile=tile)
    counts = [_tile_count(model, height, width, tiling)] * batch
    shares = share_progress(progress, counts)
    for index, share in enumerate(shares):
        run_tiles(
            model,
            (height, width),
            read_floats(image_BKHW.detach()[index : index + 1]),
            write_floats(enlarged_BKHW[index : index + 1]),
            tiling=tiling,
            progress=share,
            notice=notice,
        )
    return enlarged_BKHW


def upscale_image(
    models: Sequence[nn.Module],
    image: Image,
    *,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    alpha: Alpha = "bicubic",
    tiling: Tiling | None = None,
    max_pixels: int | None = None,
    progress: Progress | None = None,
    notice: Notice = warnings.warn,
) -> Image:
    """Enlarge an image by a scale above 1 and up to 16, or to a (height, width).

    `models` do the same at different scales; the smallest chain of them that is enough is used.
    Depth, colour profile and metadata are kept. Alpha is enlarged by the models or by bicubic
    interpolation, or dropped, and then the colours under it show as they are stored.
    `max_pixels` limits the result, and the image it is shrunk from.

    Raises: ConfigError for an unknown option, a model that does not enlarge, bands that are not
        the model's; SrkitError for a size out of reach or over the limit, a result that is not
        finite, too little memory; whatever the model raises.
    """
    if alpha not in get_args(Alpha):
        raise ConfigError(f"unknown alpha {alpha!r}: choose one of {', '.join(get_args(Alpha))}")
    tiling = tiling or Tiling()
    height, width = image.height, image.width
    target = _target(height, width, scale, size)
    chain = _chain(models, height, width, target)
    traits = Traits.of(chain[0])
    if image.bands != traits.image_channels and (image.bands, traits.image_channels) != (1, 3):
        raise ConfigError(_wrong_bands(image.bands, traits))
    _limit(height, width, chain, max_pixels)

    mask = None if alpha == "drop" else image.alpha
    constant = mask is None or bool((mask == mask.flat[0]).all())
    runs = 2 if alpha == "model" and not constant else 1
    counts = _tile_counts(chain, height, width, tiling)
    if any(n > 1 and not tiling.is_exact(m) for n, m in zip(counts, chain, strict=True)):
        notice("approximate: the model reaches beyond its tiles (--tile 0 runs the image whole)")
    shares = share_progress(progress, counts * runs)

    def enlarge(pixels_HWK: Samples) -> Samples:
        return enlarge_pixels(
            pixels_HWK, chain, target, tiling=tiling, shares=shares, notice=notice
        )

    colour = enlarge(image.colour if mask is None else bleed(image.colour, mask))
    if mask is None:
        return replace(image, colour=colour, alpha=None)
    if constant:
        larger_mask = np.full(target, mask.flat[0], mask.dtype)
    elif alpha == "model":
        larger_mask = enlarge(mask[..., None])[..., 0]
    else:
        larger_mask = _bicubic(mask, target, notice)
    return replace(image, colour=colour, alpha=larger_mask)


def _target(
    height: int, width: int, scale: float | None, size: tuple[int, int] | None
) -> tuple[int, int]:
    if (scale is None) == (size is None):
        raise ConfigError("give either a scale or a size")
    target = size or Enlargement(scale=scale).size(height, width)
    ratios = target[0] / height, target[1] / width
    if min(ratios) < 1 or max(ratios) > LARGEST_SCALE:
        raise SrkitError(
            f"cannot enlarge {width}x{height} pixels to {target[1]}x{target[0]}: each side must "
            f"become 1 to {LARGEST_SCALE} times as long"
        )
    return target


def _chain(
    models: Sequence[nn.Module], height: int, width: int, target: tuple[int, int]
) -> list[nn.Module]:
    by_scale = {Traits.of(model).scale: model for model in models}
    if not by_scale or min(by_scale) < 2:
        raise ConfigError("not a super-resolution model: it does not enlarge")
    at_least = max(-(-target[0] // height), -(-target[1] // width))
    return [by_scale[scale] for scale in scale_chain(by_scale, at_least)]


def _limit(height: int, width: int, chain: Sequence[nn.Module], max_pixels: int | None) -> None:
    scale = math.prod(Traits.of(model).scale for model in chain)
    pixels = height * width * scale**2
    if max_pixels is not None and pixels > max_pixels:
        raise SrkitError(
            f"enlarged {scale} times, {width}x{height} pixels become {pixels:,}, over the limit "
            f"of {max_pixels:,}",
            hint="--max-pixels raises it",
        )


def _tile_counts(chain: Sequence[nn.Module], height: int, width: int, tiling: Tiling) -> list[int]:
    counts = []
    for model in chain:
        counts.append(_tile_count(model, height, width, tiling))
        scale = Traits.of(model).scale
        height, width = scale * height, scale * width
    return counts


def _tile_count(model: nn.Module, height: int, width: int, tiling: Tiling) -> int:
    side = tiling.side_for(model, height, width)
    return len(tiling.plan(model, height, width, side))


def _bicubic(mask_HW: Samples, target: tuple[int, int], notice: Notice) -> Samples:
    height, width = mask_HW.shape
    scale = target[0] // height
    if (scale * height, scale * width) == target:
        # In tiles like everything else, because the floats of a whole large mask are too many.
        enlarger = BicubicEnlarger(scale)
        shares = share_progress(None, [1])
        enlarged = enlarge_pixels(
            mask_HW[..., None], [enlarger], target, tiling=Tiling(), shares=shares, notice=notice
        )
    else:
        enlarged = from_tensor(imresize(to_tensor(mask_HW[..., None]), size=target), mask_HW.dtype)
    return enlarged[..., 0]


def _wrong_bands(bands: int, traits: Traits) -> str:
    return f"the image has {bands} bands, the model takes {traits.image_channels}"
