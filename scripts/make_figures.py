"""Make the pictures of the README and the photograph its first command enlarges.

    python scripts/make_figures.py [docs/images]

The photograph is `coffee` of scikit-image (by Rachel Michetti, CC0), shrunk by MATLAB's bicubic;
the comparison enlarges it again with `srkit.upscale`, beside bicubic and the original.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import srkit
from srkit.data.pairs import bicubic
from srkit.evaluation.metrics import measure
from srkit.transforms.resize import imresize_uint8

SCALE = 4
WINDOW = (slice(60, 260), slice(200, 410))  # of the HR photograph: the rim and the spoon
ZOOM = 2
LABEL = 26  # pixels


def main(folder: Path) -> None:
    """Write `photograph.png` and `before-after.png` into the folder."""
    hr = data.coffee()  # 400 x 600
    lr = imresize_uint8(hr, 1 / SCALE)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(lr).save(folder / "photograph.png", optimize=True)

    panels = {
        "bicubic": bicubic(lr, SCALE),
        "srkit, lapwave-m": srkit.upscale(lr, scale=SCALE),
        "original": hr,
    }
    pictures = []
    for name, pixels in panels.items():
        label = name
        if name != "original":
            scores = measure(pixels, hr, scale=SCALE, protocol="sr-y")
            label = f"{name}: {scores.psnr:.2f} dB"
        pictures.append(_panel(pixels[WINDOW], label))
    Image.fromarray(np.hstack(pictures)).save(folder / "before-after.png", optimize=True)


def _panel(pixels: np.ndarray, label: str) -> np.ndarray:
    height, width = pixels.shape[0] * ZOOM, pixels.shape[1] * ZOOM
    canvas = Image.new("RGB", (width, height + LABEL), "white")
    canvas.paste(Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST))
    font = ImageFont.load_default(size=16)
    ImageDraw.Draw(canvas).text((6, height + 3), label, fill="black", font=font)
    return np.asarray(canvas)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
