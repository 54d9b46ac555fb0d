"""Crops of validation images, and what a model makes of them: for the eye, beside the numbers.

Convention
    A crop is chosen once, by its image alone, so that every run and every step shows the same one:
    where the HR image changes most. It lies on multiples of 8 LR pixels.
    Of more than three bands the first three are shown; less are shown as gray.
    The model is given so much around a crop as it looks at, or all of the image when it looks at
    everything, so that the crop is the one validation scores. Enlarged or not, panels are HR-sized.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from srkit.data.pairs import Pair, bicubic
from srkit.evaluation.metrics import PROTOCOLS, psnr
from srkit.images import from_tensor, to_tensor
from srkit.images.image import Samples
from srkit.inference.upscaler import upscale_tensor
from srkit.models.model import Model
from srkit.training.validation import protocol_of
from srkit.training.watch import Sample
from srkit.transforms.color import rgb_to_luma

IMAGES = 4
"""Images of a set that are shown at most."""
HR_SIDE = 192
"""Pixels a side of a crop has once enlarged, as long as it has SMALLEST to LARGEST before."""
SMALLEST, LARGEST = 32, 96
GRID = 8
BICUBIC_REACH = 4
"""LR pixels around a crop that bicubic enlarging looks at."""


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A rectangle of LR pixels in a pair of images."""

    pair: Pair
    top: int
    left: int
    height: int
    width: int


def choose_crops(pairs: Sequence[Pair]) -> list[Crop]:
    """Choose the crop with most detail in a few images spread over a set; small ones whole."""
    count = min(IMAGES, len(pairs))
    return [_busiest(pairs[index * len(pairs) // count]) for index in range(count)]


def render(model: Model, crops: Sequence[Crop]) -> list[Sample]:
    """Enlarge crops; the model stays in the mode, and on the device, that it is in.

    Raises: SrkitError when a result is not finite or the memory does not suffice.
    """
    return [_render(model, crop) for crop in crops]


def _busiest(pair: Pair) -> Crop:
    side = min(LARGEST, max(SMALLEST, HR_SIDE // pair.scale))
    height, width = min(side, pair.lr.shape[0]), min(side, pair.lr.shape[1])
    change = _change(pair.hr)
    # Sums over all rectangles at once: each is four corners of the integral image.
    integral = np.zeros((change.shape[0] + 1, change.shape[1] + 1))
    integral[1:, 1:] = change.cumsum(0).cumsum(1)
    tops = np.arange(0, pair.lr.shape[0] - height + 1, GRID)
    lefts = np.arange(0, pair.lr.shape[1] - width + 1, GRID)
    first_rows, last_rows = tops * pair.scale, (tops + height) * pair.scale
    first_columns, last_columns = lefts * pair.scale, (lefts + width) * pair.scale
    energy = (
        integral[np.ix_(last_rows, last_columns)]
        - integral[np.ix_(first_rows, last_columns)]
        - integral[np.ix_(last_rows, first_columns)]
        + integral[np.ix_(first_rows, first_columns)]
    )
    row, column = np.unravel_index(int(energy.argmax()), energy.shape)
    return Crop(pair=pair, top=int(tops[row]), left=int(lefts[column]), height=height, width=width)


def _change(hr: Samples) -> NDArray[np.float64]:
    """Say how much every pixel differs from its lower and its right neighbour.

    Square roots of differences keep one hard edge from outweighing a whole texture.
    """
    green = hr[..., min(1, hr.shape[2] - 1)].astype(np.float64)
    change = np.zeros_like(green)
    change[:-1] += np.sqrt(np.abs(np.diff(green, axis=0)))
    change[:, :-1] += np.sqrt(np.abs(np.diff(green, axis=1)))
    return change


def _render(model: Model, crop: Crop) -> Sample:
    pair, scale = crop.pair, crop.pair.scale
    lr, hr = _cut(pair.lr, crop), _cut(pair.hr, crop, scale)
    made = _made_by(model, crop)
    panels = {"model": _shown(made), "HR": _shown(hr)}
    luma = PROTOCOLS[protocol_of(model)].luma
    psnr = {"model": _psnr(made, hr, luma=luma)}
    if scale > 1:
        smooth = _smoothed(crop)
        psnr["bicubic"] = _psnr(smooth, hr, luma=luma)
        nearest = lr.repeat(scale, 0).repeat(scale, 1)
        panels = {"LR": _shown(nearest), "bicubic": _shown(smooth)} | panels
    return Sample(name=pair.name, panels=panels, psnr=psnr)


def _made_by(model: Model, crop: Crop) -> Samples:
    lr = crop.pair.lr
    reach = max(lr.shape) if model.receptive_field is None else model.receptive_field
    whole = _surroundings(crop, reach, model.size_multiple)
    with torch.inference_mode():
        enlarged = upscale_tensor(model, to_tensor(_cut(lr, whole)), tile=0)
    return _inside(from_tensor(enlarged, crop.pair.hr.dtype), crop, whole)


def _smoothed(crop: Crop) -> Samples:
    whole = _surroundings(crop, BICUBIC_REACH, 1)
    return _inside(bicubic(_cut(crop.pair.lr, whole), crop.pair.scale), crop, whole)


def _surroundings(crop: Crop, reach: int, multiple: int) -> Crop:
    """Widen a crop by `reach` on each side, to `multiple`s, as far as the image goes."""
    height, width = crop.pair.lr.shape[:2]
    top = max(0, crop.top - reach) // multiple * multiple
    left = max(0, crop.left - reach) // multiple * multiple
    bottom = min(height, -(-(crop.top + crop.height + reach) // multiple) * multiple)
    right = min(width, -(-(crop.left + crop.width + reach) // multiple) * multiple)
    return Crop(pair=crop.pair, top=top, left=left, height=bottom - top, width=right - left)


def _cut(image: Samples, crop: Crop, scale: int = 1) -> Samples:
    top, left = crop.top * scale, crop.left * scale
    return image[top : top + crop.height * scale, left : left + crop.width * scale]


def _inside(enlarged: Samples, crop: Crop, whole: Crop) -> Samples:
    scale = crop.pair.scale
    top, left = (crop.top - whole.top) * scale, (crop.left - whole.left) * scale
    return enlarged[top : top + crop.height * scale, left : left + crop.width * scale]


def _shown(image: Samples) -> Samples:
    """Give (H, W, 3) uint8."""
    image = image[..., :3] if image.shape[2] >= 3 else image[..., :1].repeat(3, axis=2)
    if image.dtype == np.uint8:
        return np.ascontiguousarray(image)
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _psnr(made: Samples, hr: Samples, *, luma: bool) -> float:
    """Compare as validation does, except that no border is cut off a crop."""
    planes = [to_tensor(image).double() for image in (made, hr)]
    if luma:
        planes = [rgb_to_luma(image) / 255 for image in planes]
    return psnr(planes[0][0], planes[1][0], data_range=1)
