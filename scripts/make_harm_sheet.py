"""Draw what a model does to pictures it was not trained for, beside bicubic interpolation.

    python scripts/make_harm_sheet.py [MODEL] [--scale 4] [-o docs/images/no-harm.png]

Released models are trained on clean photographs shrunk by MATLAB's bicubic. The eighteen pictures
here are none of that: JPEG photographs and drawings, scans, rendered text, a window, pixel art,
noise, aliasing, line art. Each is enlarged as it is; there is no original to compare with, only
eyes. What is enlarged twice is shown with every pixel doubled.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import srkit
from srkit.data.pairs import bicubic
from srkit.transforms.resize import imresize_uint8

SHOWN = 4  # times as large, whatever the scale
HEIGHT, WIDTH = 52, 72  # of each picture, before it is enlarged
COLUMNS = 3
LABEL = 22  # pixels
Pixels = NDArray[np.uint8]


def pictures() -> dict[str, Pixels]:
    """Give the eighteen pictures, (HEIGHT, WIDTH, 3) uint8, by what they are."""
    astronaut = imresize_uint8(data.astronaut(), 0.5)
    coffee = imresize_uint8(data.coffee(), 0.5)
    chelsea = imresize_uint8(data.chelsea(), 0.5)
    noise = np.random.default_rng(0).normal(0, 12, chelsea.shape)
    return {
        "JPEG, quality 30": jpeg(at(astronaut, 8, 75), 30),
        "JPEG, quality 50": jpeg(at(coffee, 30, 105), 50),
        "JPEG, quality 75": jpeg(at(chelsea, 30, 60), 75),
        "JPEG from a camera, as it is": at(data.rocket(), 290, 300),
        "scanned print": at(gray(data.page()), 60, 40),
        "scanned print, curved": at(gray(data.text()), 60, 180),
        "rendered text": rendered_text(),
        "screenshot": screenshot(),
        "pixel art": pixel_art(),
        "noise of 12 levels": at((chelsea + noise).clip(0, 255).astype(np.uint8), 30, 60),
        "aliased: every 4th pixel": at(np.ascontiguousarray(data.coffee()[::4, ::4]), 20, 50),
        "line art, no smoothing": line_art(),
        "screenshot, JPEG, quality 85": jpeg(screenshot(), 85),
        "line art, JPEG, quality 85": jpeg(line_art(), 85),
        "gray line art": line_art(ground="#c8c8c8", ink="#606060"),
        "gray line art, smoothed": smoothed_line_art(),
        "small gray text, JPEG, quality 85": jpeg(rendered_text(ink="#828282"), 85),
        "JPEG, quality 60": jpeg(at(astronaut, 8, 75), 60),
    }


def at(image: Pixels, top: int, left: int) -> Pixels:
    """Cut a picture out of an image."""
    return np.ascontiguousarray(image[top : top + HEIGHT, left : left + WIDTH])


def gray(image: Pixels) -> Pixels:
    """Give a gray image three channels."""
    return np.repeat(image[..., None], 3, axis=2)


def jpeg(image: Pixels, quality: int) -> Pixels:
    """Compress and read again."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _canvas(colour: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (WIDTH, HEIGHT), colour)
    return image, ImageDraw.Draw(image)


def rendered_text(ink: str | None = None) -> Pixels:
    """Draw black and coloured text, or text of one colour, as a screen shows it."""
    image, draw = _canvas("white")
    font = ImageFont.load_default
    draw.text((3, 2), "Sharp letters,", fill=ink or "black", font=font(size=11))
    draw.text((3, 17), "quick 0123456789", fill=ink or "#1144aa", font=font(size=9))
    draw.text((3, 31), "fox {x|y}", fill=ink or "#aa2222", font=font(size=14))
    return np.asarray(image)


def screenshot() -> Pixels:
    """Draw a small window: a title bar, a button, a list with hairlines."""
    image, draw = _canvas("#f4f4f6")
    draw.rectangle((0, 0, WIDTH, 9), fill="#30343c")
    for index, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        draw.ellipse((3 + 8 * index, 2, 8 + 8 * index, 7), fill=colour)
    draw.rounded_rectangle((42, 34, 68, 47), 3, fill="#2563eb")
    draw.text((47, 36), "Save", fill="white", font=ImageFont.load_default(size=9))
    for row, words in enumerate(("notes.txt", "photo.png")):
        draw.text((4, 12 + 11 * row), words, fill="#222222", font=ImageFont.load_default(size=9))
        draw.line((0, 23 + 11 * row, 40, 23 + 11 * row), fill="#c8c8d0")
    return np.asarray(image)


def pixel_art() -> Pixels:
    """Draw hard-edged squares in few colours, two pixels each."""
    palette = np.array([[20, 20, 60], [230, 80, 60], [250, 220, 90], [60, 170, 90]], np.uint8)
    rows, columns = np.mgrid[: HEIGHT // 2, : WIDTH // 2]
    distance = np.hypot(rows - 12.5, columns - 17.5)
    shape = np.select([distance < 4, distance < 7, distance < 11], [2, 1, 3], 0)
    shape = np.where((rows + columns) % 9 == 0, 1, shape)
    return np.ascontiguousarray(palette[shape].repeat(2, axis=0).repeat(2, axis=1))


def line_art(ground: str = "white", ink: str = "black") -> Pixels:
    """Draw lines and circles, one pixel wide, without smoothing."""
    image, draw = _canvas(ground)
    for step in range(0, 72, 9):
        draw.line((0, 51, step, 0), fill=ink)
    draw.ellipse((38, 20, 66, 48), outline=ink)
    draw.ellipse((46, 28, 58, 40), outline=ink)
    return np.asarray(image)


def smoothed_line_art() -> Pixels:
    """Draw gray lines and a circle four times as large, and shrink them."""
    image = Image.new("RGB", (4 * WIDTH, 4 * HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    for step in range(0, 72, 9):
        draw.line((0, 4 * 51, 4 * step, 0), fill="#969696", width=4)
    draw.line((0, 20, 4 * WIDTH, 44), fill="#969696", width=3)
    draw.ellipse((4 * 38, 4 * 20, 4 * 66, 4 * 48), outline="#969696", width=6)
    return np.asarray(image.reduce(4))


def sheet(model: str, scale: int) -> Image.Image:
    """Lay the eighteen out in rows, each enlarged by bicubic (left) and by the model (right)."""
    cell_width, cell_height = 2 * WIDTH * SHOWN + 12, HEIGHT * SHOWN + LABEL
    found = pictures()
    rows = -(-len(found) // COLUMNS)
    canvas = Image.new("RGB", (COLUMNS * cell_width, rows * cell_height), "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=14)
    for index, (label, picture) in enumerate(found.items()):
        left, top = index % COLUMNS * cell_width, index // COLUMNS * cell_height
        draw.text(
            (left + 2, top + 2), f"{label}: bicubic | {Path(model).stem}", fill="black", font=font
        )
        pair = (bicubic(picture, scale), srkit.upscale(picture, model=model, scale=scale))
        for place, pixels in enumerate(pair):
            corner = (left + place * (WIDTH * SHOWN + 4), top + LABEL)
            shown = pixels[..., :3].repeat(SHOWN // scale, axis=0).repeat(SHOWN // scale, axis=1)
            canvas.paste(Image.fromarray(shown), corner)
    return canvas


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="lapwave-m")
    parser.add_argument("--scale", type=int, choices=(2, 4), default=4)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/no-harm.png"))
    arguments = parser.parse_args()
    sheet(arguments.model, arguments.scale).save(arguments.output, optimize=True)


if __name__ == "__main__":
    main()
