"""Samples as pictures: one PNG a crop and validation, its panels side by side under their names.

They lie in FOLDER/SET/IMAGE_STEP.png. The first of an image and the last ten are kept, and those
after the step a run is resumed from are dropped before it goes on.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from srkit.errors import ImageError
from srkit.images import Image, write_image
from srkit.images.image import Samples
from srkit.training.watch import Sample, Watcher

KEPT = 10
GAP = 6
CAPTION = 22
BACKGROUND, INK = 24, 230
"""Dark, as viewers show photographs; it suits a light page and a dark one."""
_STRIP = re.compile(r"(?P<image>.+)_(?P<step>\d{8,})\.png")


class Strips(Watcher):
    """Write the samples of every validation."""

    def __init__(self, folder: Path, *, step: int) -> None:
        self._folder = folder
        for strips in find_strips(folder).values():
            for later in [taken for taken in strips if taken > step]:
                strips[later].unlink()

    def samples(self, step: int, set_name: str, samples: Sequence[Sample]) -> None:
        """Write a strip of every sample, and remove those that are neither first nor recent.

        Raises: OSError when one cannot be written.
        """
        folder = self._folder / _file_name(set_name)
        folder.mkdir(parents=True, exist_ok=True)
        names = [_file_name(Path(sample.name).stem) for sample in samples]
        for index, (name, sample) in enumerate(zip(names, samples, strict=True)):
            if names.count(name) > 1:
                name = f"{name}-{index + 1}"
            try:
                write_image(folder / f"{name}_{step:08d}.png", Image(colour=strip(sample)))
            except ImageError as error:
                if isinstance(error.__cause__, OSError):  # the run's folder names what to do
                    raise error.__cause__ from None
                raise
        for strips in find_strips(self._folder).values():
            for old in sorted(strips)[1:-KEPT]:
                strips[old].unlink()


def find_strips(folder: Path) -> dict[tuple[str, str], dict[int, Path]]:
    """Find what `Strips` wrote: by set and image, and then by step in rising order."""
    found: dict[tuple[str, str], dict[int, Path]] = {}
    for path in sorted(folder.glob("*/*.png")):
        if parts := _STRIP.fullmatch(path.name):
            strips = found.setdefault((path.parent.name, parts["image"]), {})
            strips[int(parts["step"])] = path
    return {key: dict(sorted(strips.items())) for key, strips in found.items()}


def strip(sample: Sample) -> Samples:
    """Lay the panels of a sample side by side, each under its name."""
    words = {name: name for name in sample.panels}
    words |= {name: f"{name} {psnr:.2f} dB" for name, psnr in sample.psnr.items()}
    return side_by_side({words[name]: panel for name, panel in sample.panels.items()})


def side_by_side(panels: dict[str, Samples]) -> Samples:
    """Lay (H, W, 3) uint8 panels side by side, each under its caption."""
    captioned = [_captioned(panel, words) for words, panel in panels.items()]
    height = max(panel.shape[0] for panel in captioned)
    width = sum(panel.shape[1] + GAP for panel in captioned) + GAP
    whole = np.full((height + GAP, width, 3), BACKGROUND, np.uint8)
    left = GAP
    for panel in captioned:
        whole[: panel.shape[0], left : left + panel.shape[1]] = panel
        left += panel.shape[1] + GAP
    return whole


def _captioned(panel: Samples, words: str) -> Samples:
    font = ImageFont.load_default(13)
    width = max(panel.shape[1], int(np.ceil(font.getlength(words))))
    drawn = PillowImage.new("L", (width, CAPTION), BACKGROUND)
    ImageDraw.Draw(drawn).text((0, CAPTION // 2), words, INK, font, anchor="lm")
    whole = np.full((CAPTION + panel.shape[0], width, 3), BACKGROUND, np.uint8)
    whole[:CAPTION] = np.asarray(drawn)[..., None]
    whole[CAPTION:, : panel.shape[1]] = panel
    return whole


def _file_name(name: str) -> str:
    """Make a name that every file system takes, and no way out of the folder."""
    return re.sub(r"[^\w+-]+", "-", name)[:50].strip("-") or "unnamed"
