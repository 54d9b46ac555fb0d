"""Score a model, or a classic filter, on pairs of images: one row an image, and their means.

Convention
    A prediction is clamped and rounded to the levels of the HR image before it is measured.
    LPIPS is measured on the same pixels as PSNR and SSIM, so after the protocol's crop, in RGB.
    `seconds` is the enlarging alone: no reading, no resizing, no measuring.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor, nn

from srkit.data.pairs import Pair, bicubic, find_sources, load_all
from srkit.errors import ConfigError, ImageError
from srkit.evaluation.metrics import crop, find_protocol, measure
from srkit.evaluation.perceptual import Perceptual
from srkit.images import from_tensor, to_tensor
from srkit.images.image import Samples
from srkit.inference.upscaler import upscale_tensor

Upscaler = Callable[[Tensor], Tensor]
"""(1, K, H, W) in [0, 1] -> (1, K, s*H, s*W)."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One image's numbers."""

    name: str
    psnr: float
    ssim: float
    lpips: float | None
    """None when it was not asked for."""
    seconds: float
    megapixels: float
    """Of the enlarged image, before cropping."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A model's numbers on a set, with everything needed to compare them with others'."""

    model: str
    dataset: str
    scale: int
    protocol: str
    rows: tuple[Row, ...]

    @property
    def psnr(self) -> float:
        """Mean over images; infinite as soon as one image is identical."""
        return sum(row.psnr for row in self.rows) / len(self.rows)

    @property
    def ssim(self) -> float:
        """Mean over images; NaN as soon as one image is too small for it."""
        return sum(row.ssim for row in self.rows) / len(self.rows)

    @property
    def lpips(self) -> float | None:
        """Mean over images; None when it was not asked for."""
        values = [row.lpips for row in self.rows if row.lpips is not None]
        return sum(values) / len(values) if values else None

    @property
    def seconds(self) -> float:
        """Time spent enlarging, in all."""
        return sum(row.seconds for row in self.rows)

    @property
    def megapixels(self) -> float:
        """Pixels made, in all, in millions."""
        return sum(row.megapixels for row in self.rows)


def lanczos(image: Samples, scale: int) -> Samples:
    """Enlarge with OpenCV's Lanczos filter over 8 x 8 pixels."""
    size = (image.shape[1] * scale, image.shape[0] * scale)
    resized: Any = cv2.resize(image, size, interpolation=cv2.INTER_LANCZOS4)
    enlarged: Samples = resized  # cv2 says nothing of the type, which is the image's
    return enlarged


BASELINES: dict[str, Callable[[Samples, int], Samples]] = {"bicubic": bicubic, "lanczos": lanczos}


def evaluate(
    model: nn.Module | Upscaler | str,
    folder: Path,
    *,
    scale: int,
    protocol: str = "sr-y",
    lr_folder: Path | None = None,
    perceptual: Perceptual | None = None,
    name: str | None = None,
    dataset: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Score a model (or "bicubic", "lanczos") on every image of a folder, one in memory at a time.

    Images must have the bands that the model takes; a function gets RGB. `progress` is called with
    the number of images done and of all images.

    Raises: ConfigError, DataError and ImageError as `score`, `find_sources` and `Source.load`.
    """
    sources = find_sources(folder, scale, lr_folder=lr_folder)
    return score(
        model,
        load_all(sources, scale, bands=bands_of(model)),
        protocol,
        perceptual=perceptual,
        name=name,
        dataset=folder.resolve().name if dataset is None else dataset,
        progress=None if progress is None else lambda done: progress(done, len(sources)),
    )


def bands_of(model: nn.Module | Upscaler | str) -> int | None:
    """Give the bands a model takes; None = any."""
    if isinstance(model, str):
        return None
    bands = getattr(model, "image_channels", 3)
    assert isinstance(bands, int)
    return bands


def score(
    model: nn.Module | Upscaler | str,
    pairs: Iterable[Pair],
    protocol: str = "sr-y",
    *,
    perceptual: Perceptual | None = None,
    name: str | None = None,
    dataset: str = "",
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Score a model, a function on tensors, "bicubic" or "lanczos" on prepared pairs.

    A network is run in evaluation mode and left in the mode it was in. `progress` is called with
    the number of images done.

    Raises: ConfigError for an unknown protocol or baseline, no pairs at all, a model of another
        scale, or bands the protocol does not compare; ImageError for an image that the protocol's
        crop leaves nothing of.
    """
    find_protocol(protocol)
    if isinstance(model, str) and model not in BASELINES:
        raise ConfigError(f"unknown baseline {model!r}: choose one of {', '.join(BASELINES)}")
    if name is None:
        name = model if isinstance(model, str) else type(model).__name__
    rows: list[Row] = []
    scale = None
    for pair in pairs:
        scale = pair.scale
        rows.append(_score_pair(model, pair, protocol, perceptual, name))
        if progress is not None:
            progress(len(rows))
    if scale is None:
        raise ConfigError("there are no images to score")
    return Result(model=name, dataset=dataset, scale=scale, protocol=protocol, rows=tuple(rows))


def _score_pair(
    model: nn.Module | Upscaler | str,
    pair: Pair,
    protocol: str,
    perceptual: Perceptual | None,
    name: str,
) -> Row:
    start = time.perf_counter()
    prediction = _enlarge(model, pair)
    seconds = time.perf_counter() - start
    if prediction.shape != pair.hr.shape:
        raise ConfigError(
            f"{name} makes {prediction.shape[1]}x{prediction.shape[0]} pixels of {pair.name}, "
            f"not the {pair.hr.shape[1]}x{pair.hr.shape[0]} of scale {pair.scale}"
        )
    try:
        scores = measure(prediction, pair.hr, scale=pair.scale, protocol=protocol)
    except ImageError as error:
        raise ImageError(f"{pair.name}: {error}") from None
    distance = None
    if perceptual is not None:
        distance = perceptual(
            crop(prediction, scale=pair.scale, protocol=protocol),
            crop(pair.hr, scale=pair.scale, protocol=protocol),
        )
    return Row(
        name=pair.name,
        psnr=scores.psnr,
        ssim=scores.ssim,
        lpips=distance,
        seconds=seconds,
        megapixels=prediction.shape[0] * prediction.shape[1] / 1e6,
    )


def _enlarge(model: nn.Module | Upscaler | str, pair: Pair) -> Samples:
    """Make the (H, W, K) prediction, rounded to levels: the baselines' own, else the HR image's."""
    if isinstance(model, str):
        return BASELINES[model](pair.lr, pair.scale)
    with torch.inference_mode():
        lr = to_tensor(pair.lr)
        if isinstance(model, nn.Module):
            # Tiles would change the numbers of a model that looks at the whole image.
            whole = model.receptive_field is None
            enlarged = upscale_tensor(model, lr, tile=0 if whole else None)
        else:
            enlarged = model(lr)
    prediction: Samples = from_tensor(enlarged, pair.hr.dtype)
    return prediction
