"""Draw windows, text and line art, and compress photographs, to train on beside clean photographs.

    python scripts/draw_pictures.py data/train data/drawn-x4 [--scale 4] [--count 320] [--seed 0]
        [--kinds page line_art window photograph | fine_lines | worn_photograph scan]

A network that has only seen photographs shrunk by bicubic takes the hard edges of a drawing, and
the ripples of JPEG, for traces of detail, and sharpens them. Here are pairs that show what they
are: `HR/0000.png` is a picture, `LR/0000.png` how a screen, a drawing program or a compressed
file shows it at 1/scale of its size. A quarter are parts of the photographs; the others are drawn
from geometry, once for both sizes, with smoothing (the mean of what a pixel covers), or without it
at the small size. Part of the LR images are compressed by JPEG (quality 30 to 95) or carry noise of
1 to 3 levels; HR images never.

`--kinds fine_lines` draws something else that harms a network's judgement: thin smoothed lines and
small letters, most of them pale, part of them blurred as in a scan. In a photograph such a trace is
what is left of a thinner, darker thing; here it is as pale as it looks.

`--kinds worn_photograph scan` makes what is worse than the above: photographs under strong
compression (quality 20 to 75), with noise or grain that nobody takes for texture (8 to 16 levels)
or with both (from 4 levels on), and printed letters and strokes as a scanner sees them, blurred, on
paper with a grain. HR images keep the blur and have no grain, so that neither is taken for detail.

The fonts are those that matplotlib brings. The same seed draws the same pictures.
"""

import argparse
import io
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

try:
    import matplotlib as mpl
except ModuleNotFoundError:
    raise SystemExit("the fonts are matplotlib's: pip install 'srkit[figures]'") from None
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFilter, ImageFont
from skimage.filters import gaussian

from srkit.data.pairs import bicubic
from srkit.images import Image, image_files, read_bands, write_image

WIDTH, HEIGHT = 160, 128  # of an LR picture
FINE = 16  # parts of an LR pixel's side that geometry is drawn in
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
Scene = Callable[["Sheet", np.random.Generator], None]


class Sheet:
    """A picture that is drawn in LR pixels, at `factor` pixels for each."""

    def __init__(self, factor: int, ground: Colour) -> None:
        self.factor = factor
        self.image = Pillow.new("RGB", (WIDTH * factor, HEIGHT * factor), ground)
        self.draw = ImageDraw.Draw(self.image)

    def _box(self, left: int, top: int, right: int, bottom: int) -> tuple[int, int, int, int]:
        k = self.factor
        return left * k, top * k, right * k - 1, bottom * k - 1

    def rectangle(self, box: tuple[int, int, int, int], fill: Colour) -> None:
        """Fill whole pixels."""
        self.draw.rectangle(self._box(*box), fill=fill)

    def rounded(self, box: tuple[int, int, int, int], radius: int, fill: Colour) -> None:
        """Fill a rectangle with round corners."""
        self.draw.rounded_rectangle(self._box(*box), radius * self.factor, fill=fill)

    def ellipse(self, box: tuple[int, int, int, int], ink: Colour, *, width: int | None) -> None:
        """Draw an ellipse's outline, or fill it."""
        if width is None:
            self.draw.ellipse(self._box(*box), fill=ink)
        else:
            self.draw.ellipse(self._box(*box), outline=ink, width=width * self.factor)

    def line(self, points: list[tuple[int, int]], ink: Colour, width: int) -> None:
        """Draw a line through the centres of pixels."""
        k = self.factor
        centres = [(x * k + k // 2, y * k + k // 2) for x, y in points]
        self.draw.line(centres, fill=ink, width=width * k)

    def stroke(self, points: list[tuple[float, float]], ink: Colour, width: float) -> None:
        """Draw a line of any width through any places, in LR pixels."""
        k = self.factor
        places = [(round(x * k), round(y * k)) for x, y in points]
        self.draw.line(places, fill=ink, width=max(1, round(width * k)), joint="curve")

    def text(self, left: int, base: int, words: str, font: Path, size: int, ink: Colour) -> None:
        """Write letter after letter, each from a whole LR pixel on: alike at every size."""
        small = ImageFont.truetype(font, size)
        large = ImageFont.truetype(font, size * self.factor)
        k = self.factor
        for letter in words:
            self.draw.text((left * k, base * k), letter, fill=ink, font=large, anchor="ls")
            left += max(1, round(small.getlength(letter)))


def fonts() -> list[Path]:
    """List text fonts that come with matplotlib."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return sorted([*folder.glob("DejaVu*.ttf"), *folder.glob("STIXGeneral*.ttf")])


def colour(random: np.random.Generator, low: int = 0, high: int = 255) -> Colour:
    """Choose a gray, or a colour."""
    if random.random() < 0.5:
        return (int(random.integers(low, high + 1)),) * 3
    red, green, blue = random.integers(low, high + 1, 3).tolist()
    return red, green, blue


def ground_of(random: np.random.Generator) -> Colour:
    """Choose white, something light, something dark, or anything."""
    kind = random.random()
    if kind < 0.3:
        return 255, 255, 255
    if kind < 0.6:
        return colour(random, 220, 255)
    return colour(random, 0, 60) if kind < 0.8 else colour(random)


def ink_of(random: np.random.Generator, ground: Colour) -> Colour:
    """Choose a colour that can be told from the ground, strong or faint."""
    while True:
        ink = (0, 0, 0) if random.random() < 0.25 else colour(random)
        if max(abs(a - b) for a, b in zip(ink, ground, strict=True)) > 24:
            return ink


def words(random: np.random.Generator, letters: int) -> str:
    """Make a line of words that mean nothing."""
    alphabet = string.ascii_lowercase * 3 + string.ascii_uppercase + string.digits * 2 + ".,:;()-/"
    return "".join(
        " " if random.random() < 0.15 else alphabet[int(random.integers(len(alphabet)))]
        for _ in range(letters)
    )


def page(sheet: Sheet, random: np.random.Generator) -> None:
    """Write lines of text in some sizes and colours."""
    ground = sheet.image.getpixel((0, 0))
    top = int(random.integers(2, 8))
    choice = fonts()
    font = choice[int(random.integers(len(choice)))]
    while top < HEIGHT:
        size = int(random.integers(7, 18))
        if random.random() < 0.3:
            font = choice[int(random.integers(len(choice)))]
        ink = ink_of(random, ground)  # type: ignore[arg-type]
        sheet.text(
            int(random.integers(0, 20)), top + size, words(random, 200 // size), font, size, ink
        )
        top += size + int(random.integers(2, 8))


def line_art(sheet: Sheet, random: np.random.Generator) -> None:
    """Draw lines, fans of lines, and outlines."""
    ground = sheet.image.getpixel((0, 0))
    ink = ink_of(random, ground)  # type: ignore[arg-type]
    for _ in range(int(random.integers(3, 9))):
        if random.random() < 0.4:
            ink = ink_of(random, ground)  # type: ignore[arg-type]
        width = 1 if random.random() < 0.7 else int(random.integers(2, 4))
        xs, ys = random.integers(0, WIDTH, 6).tolist(), random.integers(0, HEIGHT, 6).tolist()
        kind = random.random()
        if kind < 0.3:
            step = int(random.integers(5, 14))
            for end in range(0, int(random.integers(20, 120)), step):
                sheet.line([(xs[0], ys[0]), (xs[1] + end, ys[1])], ink, width)
        elif kind < 0.6:
            sheet.line(list(zip(xs, ys, strict=True))[: int(random.integers(2, 6))], ink, width)
        elif kind < 0.8:
            side = int(random.integers(8, 60))
            for inset in range(0, side // 2, int(random.integers(4, 12))):
                box = (xs[0] + inset, ys[0] + inset, xs[0] + side - inset, ys[0] + side - inset)
                sheet.ellipse(box, ink, width=width)
        else:
            step = int(random.integers(3, 12))
            for place in range(0, int(random.integers(20, 80)), step):
                sheet.line([(xs[0], ys[0] + place), (xs[0] + 60, ys[0] + place)], ink, 1)
                if random.random() < 0.5:
                    sheet.line([(xs[0] + place, ys[0]), (xs[0] + place, ys[0] + 60)], ink, 1)


def window(sheet: Sheet, random: np.random.Generator) -> None:
    """Draw bars, buttons, dots, hairlines and captions."""
    choice = fonts()
    font = choice[int(random.integers(len(choice)))]
    sheet.rectangle((0, 0, WIDTH, int(random.integers(8, 20))), colour(random))
    for _ in range(int(random.integers(4, 12))):
        left, top = int(random.integers(0, WIDTH - 20)), int(random.integers(0, HEIGHT - 10))
        width, height = int(random.integers(8, 70)), int(random.integers(6, 40))
        fill = colour(random)
        box = (left, top, left + width, top + height)
        kind = random.random()
        if kind < 0.3:
            sheet.rectangle(box, fill)
        elif kind < 0.6:
            sheet.rounded(box, int(random.integers(2, 6)), fill)
        elif kind < 0.8:
            side = int(random.integers(5, 14))
            for place in range(3):
                first = left + place * (side + 2)
                sheet.ellipse((first, top, first + side, top + side), colour(random), width=None)
            continue
        else:
            sheet.line([(left, top), (left + width, top)], fill, 1)
            continue
        if random.random() < 0.7:
            size = int(random.integers(7, 13))
            ink = ink_of(random, fill)
            sheet.text(left + 2, top + size, words(random, width // size + 2), font, size, ink)


def pale_ink_of(random: np.random.Generator, ground: Colour) -> Colour:
    """Choose a colour 16 to 140 levels away from the ground, a gray on gray as a rule."""
    away = float(random.uniform(16, 140)) * (-1 if sum(ground) > 3 * 127 else 1)
    tint = random.uniform(0.5, 1, 3) if random.random() < 0.3 else np.ones(3)
    red, green, blue = (np.array(ground) + away * tint).round().clip(0, 255).astype(int).tolist()
    return red, green, blue


def curved(ends: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Give the places of a quadratic curve from the first of three to the last."""
    along = np.linspace(0, 1, 24)[:, None]
    curve = (1 - along) ** 2 * ends[0] + 2 * along * (1 - along) * ends[1] + along**2 * ends[2]
    return [(x, y) for x, y in curve]


def fine_lines(sheet: Sheet, random: np.random.Generator) -> None:
    """Draw thin straight lines, fans, curves, rings and small letters, most of them pale."""
    ground = sheet.image.getpixel((0, 0))
    choice = fonts()
    for _ in range(int(random.integers(6, 16))):
        pale = random.random() < 0.8
        ink = (pale_ink_of if pale else ink_of)(random, ground)  # type: ignore[arg-type]
        width = float(random.uniform(0.6, 2.2))
        ends = np.stack([random.uniform(0, WIDTH, 3), random.uniform(0, HEIGHT, 3)], axis=1)
        kind = random.random()
        if kind < 0.25:  # at a small slope as often as not
            first, last, _ = ends.tolist()
            if random.random() < 0.5:
                last[1] = first[1] + float(random.uniform(-12, 12))
            sheet.stroke([tuple(first), tuple(last)], ink, width)
        elif kind < 0.45:
            first, last, _ = ends.tolist()
            for turn in range(int(random.integers(4, 9))):
                sheet.stroke([tuple(first), (last[0] + 9 * turn, last[1])], ink, width)
        elif kind < 0.65:
            sheet.stroke(curved(ends), ink, width)
        elif kind < 0.8:
            angles = np.linspace(0, 2 * np.pi, 48)
            radii = random.uniform(4, 30, 2) if random.random() < 0.5 else random.uniform(4, 30)
            ring = ends[0] + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii
            sheet.stroke([(x, y) for x, y in ring], ink, width)
        else:
            font = choice[int(random.integers(len(choice)))]
            size = int(random.integers(7, 16))
            left, base = (int(part) for part in ends[0])
            sheet.text(left // 2, base, words(random, 120 // size), font, size, ink)


def scan(sheet: Sheet, random: np.random.Generator) -> None:
    """Print lines of gray letters of any size, or pen strokes, darker than the paper."""
    paper = sheet.image.getpixel((0, 0))[0]  # type: ignore[index]
    choice = fonts()
    font = choice[int(random.integers(len(choice)))]
    top = int(random.integers(-4, 8))
    while random.random() < 0.8 and top < HEIGHT:
        size = int(random.integers(8, 30))
        ink = (round(paper * float(random.uniform(0.1, 0.7))),) * 3
        left = int(random.integers(-10, 20))
        sheet.text(left, top + size, words(random, 240 // size), font, size, ink)
        top += size + int(random.integers(1, 8))
    for _ in range(int(random.integers(0, 8))):
        ink = (round(paper * float(random.uniform(0.2, 0.8))),) * 3
        ends = np.stack([random.uniform(0, WIDTH, 3), random.uniform(0, HEIGHT, 3)], axis=1)
        sheet.stroke(curved(ends), ink, float(random.uniform(1, 5)))


SCENES: dict[str, Scene] = {
    "page": page,
    "line_art": line_art,
    "window": window,
    "fine_lines": fine_lines,
    "scan": scan,
}
PHOTOGRAPH, WORN_PHOTOGRAPH = "photograph", "worn_photograph"
FIRST_KINDS = ["page", "line_art", "window", PHOTOGRAPH]


def drawn(scene: Scene, seed: list[int], scale: int) -> tuple[Pixels, Pixels]:
    """Draw a scene at both sizes; give HR and LR."""
    random = np.random.default_rng(seed)
    ground = ground_of(random)
    plain = random.random() < 0.5 and scene not in (fine_lines, scan)
    blur = random.uniform(0.2, 0.6) if scene is fine_lines and random.random() < 0.3 else 0.0
    if scene is scan:
        ground, blur = (int(random.integers(80, 250)),) * 3, random.uniform(0.3, 1.0)
    seed = [*seed, 1]
    fine = Sheet(FINE, ground)
    scene(fine, np.random.default_rng(seed))
    if blur:
        fine.image = fine.image.filter(ImageFilter.GaussianBlur(blur * FINE))
    hr = np.asarray(fine.image.reduce(FINE // scale))
    if not plain:
        return hr, np.asarray(fine.image.reduce(FINE))
    small = Sheet(1, ground)
    scene(small, np.random.default_rng(seed))
    return hr, np.asarray(small.image)


def photographed(path: Path, random: np.random.Generator, scale: int) -> tuple[Pixels, Pixels]:
    """Cut a part out of a photograph, shrunk by half where it is large; give HR and LR."""
    hr: Any = read_bands(path)
    if min(hr.shape[0] // HEIGHT, hr.shape[1] // WIDTH) >= 2 * scale:
        height, width = (side // 2 * 2 for side in hr.shape[:2])
        hr = bicubic(np.ascontiguousarray(hr[:height, :width]), 0.5)
    height, width = (
        min(side, part * scale) for side, part in zip(hr.shape[:2], (HEIGHT, WIDTH), strict=True)
    )
    height, width = height // scale * scale, width // scale * scale
    top = int(random.integers(hr.shape[0] - height + 1))
    left = int(random.integers(hr.shape[1] - width + 1))
    hr = np.ascontiguousarray(hr[top : top + height, left : left + width])
    lr: Any = bicubic(hr, 1 / scale)
    return hr, lr


def compressed(image: Pixels, random: np.random.Generator, low: int = 30, high: int = 95) -> Pixels:
    """Compress by JPEG, colours at half the size as often as not, and read again."""
    file = io.BytesIO()
    quality, subsampling = int(random.integers(low, high + 1)), int(random.choice([0, 2]))
    Pillow.fromarray(image).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Pillow.open(file))


def noisy(image: Pixels, random: np.random.Generator) -> Pixels:
    """Add noise of 1 to 3 levels."""
    noise = random.normal(0, random.uniform(1, 3), image.shape)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def grainy(image: Pixels, random: np.random.Generator, levels: float, *, gray: bool) -> Pixels:
    """Add noise whose neighbours are alike or not, of so many levels (standard deviation)."""
    noise = random.normal(0, 1, (*image.shape[:2], 1 if gray else 3))
    if random.random() < 0.5:
        noise = gaussian(noise, random.uniform(0.4, 1), channel_axis=-1)
    return (image + noise * (levels / noise.std())).round().clip(0, 255).astype(np.uint8)


def worn(image: Pixels, random: np.random.Generator) -> Pixels:
    """Compress strongly, or add plain grain, or both."""
    kind = random.random()
    if kind < 0.6:
        return compressed(image, random, 20, 75)
    gray = random.random() < 0.5
    if kind < 0.8:
        return grainy(image, random, random.uniform(8, 16), gray=gray)
    return compressed(grainy(image, random, random.uniform(4, 16), gray=gray), random, 20, 75)


def scanned(image: Pixels, random: np.random.Generator) -> Pixels:
    """Add the grain of paper, and compress as often as not."""
    image = grainy(image, random, random.uniform(1, 10), gray=True)
    return compressed(image, random, 50) if random.random() < 0.5 else image


def main() -> None:
    """Draw what is not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photographs", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--scale", type=int, default=4, choices=(2, 4, 8))
    parser.add_argument("--count", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    kinds = [*SCENES, PHOTOGRAPH, WORN_PHOTOGRAPH]
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=FIRST_KINDS)
    arguments = parser.parse_args()
    photographs = image_files(arguments.photographs, recursive=True)
    for index in range(arguments.count):
        places = [arguments.target / part / f"{index:04}.png" for part in ("HR", "LR")]
        if all(place.exists() for place in places):
            continue
        seed = [arguments.seed, index]
        random = np.random.default_rng([*seed, 2])
        kind = arguments.kinds[index % len(arguments.kinds)]
        if kind in (PHOTOGRAPH, WORN_PHOTOGRAPH):
            path = photographs[int(random.integers(len(photographs)))]
            hr, lr = photographed(path, random, arguments.scale)
            lr = compressed(lr, random) if kind == PHOTOGRAPH else worn(lr, random)
        elif kind == "scan":
            hr, lr = drawn(scan, seed, arguments.scale)
            lr = scanned(lr, random)
        else:
            hr, lr = drawn(SCENES[kind], seed, arguments.scale)
            chance = random.random()
            if chance < 0.4:
                lr = compressed(lr, random)
            elif chance < 0.55:
                lr = noisy(lr, random)
        for place, pixels in zip(places, (hr, lr), strict=True):
            place.parent.mkdir(parents=True, exist_ok=True)
            write_image(place, Image(colour=np.ascontiguousarray(pixels)))
    print(f"{arguments.target}: {arguments.count} pairs for x{arguments.scale}, in HR and LR")


if __name__ == "__main__":
    main()
