"""Enlarge one image with a model, or with a chain of them.

Convention
    Results are clamped to [0, 1]. An image of one band given to an RGB model is repeated three
    times and the result averaged back: a weighted average would prefer one of three equals.
    A size no chain of whole scales gives exactly is reached by enlarging beyond it and shrinking,
    bicubic with antialias; enlarged exactly, 8- and 16-bit pixels are written tile by tile and no
    float copy of the result is ever made. Otherwise one is: 12 bytes a pixel of what is shrunk.
"""

# Shapes: B batch, K image channels, H W height and width, s scale.

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from srkit.errors import ConfigError, SrkitError
from srkit.images import Image, from_tensor, to_tensor
from srkit.inference.alpha import BicubicEnlarger, bleed
from srkit.inference.sizes import LARGEST_SCALE, Enlargement, scale_chain
from srkit.inference.tile_runner import (
    Notice,
    Progress,
    Read,
    Tiling,
    Traits,
    run_tiles,
)
from srkit.inference.tiling import Region
from srkit.transforms.resize import imresize

Alpha = Literal["model", "bicubic", "drop"]


def upscale_tensor(
    model: nn.Module,
    image_BCHW: Tensor,
    *,
    tile: int | None = None,
    tiling: Tiling | None = None,
    progress: Progress | None = None,
    notice: Notice = warnings.warn,
) -> Tensor:
    """Enlarge images by a model's scale, tile by tile.

    `tile` is the side of a tile in LR pixels: None = chosen by the image's size, 0 = whole image;
    `tiling` says more than that. The images of a batch are run one by one, so that none depends
    on the others.

    Shape: (B, K, H, W) in [0, 1] on any device -> (B, K, s*H, s*W), float32 on the CPU, clamped.
    Raises: ConfigError when the bands are not the model's; SrkitError when a result is not
        finite or the memory is not enough; whatever the model raises.
    """
    traits = Traits.of(model)
    batch, bands, height, width = image_BCHW.shape
    if bands != traits.image_channels:
        raise ConfigError(f"the image has {bands} bands, the model takes {traits.image_channels}")
    scale = traits.scale
    enlarged = torch.empty(batch, bands, scale * height, scale * width)
    for lr_CHW, hr_CHW in zip(image_BCHW.detach(), enlarged, strict=True):

        def write(core: Region, pixels_BKHW: Tensor, hr_CHW: Tensor = hr_CHW) -> None:
            hr_CHW[:, core.rows, core.columns] = pixels_BKHW[0]

        run_tiles(
            model,
            (height, width),
            _from_floats(lr_CHW[None]),
            write,
            tiling=tiling or Tiling(tile=tile),
            progress=progress,
            notice=notice,
        )
    return enlarged


def upscale_image(
    models: Sequence[nn.Module],
    image: Image,
    *,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    alpha: Alpha = "bicubic",
    tiling: Tiling | None = None,
    progress: Progress | None = None,
    notice: Notice = warnings.warn,
) -> Image:
    """Enlarge an image by any scale above 1 and up to 16, or to a (height, width).

    `models` are of one kind and of different scales; the smallest chain of them is used. Depth,
    profile and metadata are kept. `alpha` is enlarged by the model or by bicubic interpolation,
    or dropped, and then the colours under it show as they are stored.
    Raises: ConfigError and SrkitError as `upscale_tensor`, and for a size that is out of reach.
    """
    target = chosen_size(image, scale=scale, size=size)
    tiling = tiling or Tiling()
    chain = model_chain(models, (image.height, image.width), target)
    tally = _Tally(progress)
    with_model = _Enlarging(chain, target, tiling, tally, notice)
    colour, mask = image.colour, image.alpha
    if alpha not in ("model", "bicubic", "drop"):
        raise ConfigError(f"unknown alpha {alpha!r}: choose one of model, bicubic, drop")
    if mask is None or alpha == "drop":
        with_model.announce(image.height, image.width)
        return replace(image, colour=with_model(colour), alpha=None)
    constant = bool(mask.min() == mask.max())
    with_model.announce(image.height, image.width, times=2 if alpha == "model" and not constant else 1)
    enlarged = with_model(bleed(colour, mask))
    if constant:
        new_mask = np.full(target, mask.flat[0])
    elif alpha == "model":
        new_mask = with_model(mask[..., None])[..., 0]
    else:
        new_mask = _bicubic(mask, target)
    return replace(image, colour=enlarged, alpha=new_mask)
