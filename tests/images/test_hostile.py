"""Whatever bytes a file holds, it gives an image or one line (promises P13 and P15)."""

import io
import os
import random
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from srkit.errors import ImageError
from srkit.images import Image, read_image

from . import image_making as make

MUTANTS = 5_000
"""About a second. `SRKIT_MUTANTS=1000000 SRKIT_SEED=7` in the environment make it another run."""


def _seeds() -> list[bytes]:
    """A small file of every kind that is read, with everything that may come along."""
    photo, deep = make.smooth(24, 32), make.noise(6, 8, 3, dtype=np.uint16)
    along = {"exif": make.exif_block(6), "icc_profile": make.srgb_profile()}
    picture = PillowImage.fromarray(photo)
    cmyk = PillowImage.fromarray(make.smooth(16, 16, 4), "CMYK")
    files = [
        make.saved(picture, "PNG", **along),
        make.saved(picture.quantize(16), "PNG", transparency=3),
        make.saved(picture.convert("1"), "PNG"),
        make.png_of(deep, make.RGB, before=[(b"tRNS", bytes(6)), (b"tEXt", b"a\0b")]),
        make.png_of(deep[..., :2], make.GRAY_ALPHA),
        make.saved(picture, "JPEG", **along, xmp=b"<x/>", comment=b"hello"),
        make.saved(picture, "JPEG", progressive=True),
        make.saved(cmyk, "JPEG"),
        make.saved(picture, "WEBP", **along),
        make.saved(picture, "WEBP", lossless=True),
        make.by_pillow(make.noise(9, 9, 4), "WEBP"),
    ]
    for mode in ("RGB", "P", "L", "1"):
        files.append(make.saved(picture.convert(mode), "BMP"))
    for compression in (None, "tiff_lzw", "packbits", "tiff_adobe_deflate", "group4", "jpeg"):
        mode = "1" if compression == "group4" else "RGB"
        files.append(make.saved(picture.convert(mode), "TIFF", compression=compression))
    files.append(make.saved(picture, "TIFF", **along))
    files.append(make.saved(cmyk, "TIFF"))
    files.append(make.saved(picture.quantize(16), "TIFF"))
    return files


def _mutant(seeds: list[bytes], chance: random.Random) -> bytes:
    file = bytearray(chance.choice(seeds))
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        if not file:
            break
        place = chance.randrange(len(file))
        # Headers are where the interesting things stand.
        if chance.random() < 0.5:
            place = chance.randrange(min(len(file), 120))
        size = chance.choice([1, 2, 4, 16, 200])
        match chance.randrange(7):
            case 0:
                file[place] ^= 1 << chance.randrange(8)
            case 1:
                file[place] = chance.choice([0, 1, 127, 128, 254, 255])
            case 2:
                file[place : place + 4] = chance.choice(
                    [b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"]
                )
            case 3:
                del file[place : place + size]
            case 4:
                file[place:place] = chance.randbytes(size)
            case 5:
                other = chance.choice(seeds)
                start = chance.randrange(len(other))
                file[place : place + size] = other[start : start + size]
            case 6:
                del file[place:]
    if file[:8] == b"\x89PNG\r\n\x1a\n" and chance.random() < 0.8:
        file = _with_checksums(file)
    return bytes(file)


def _with_checksums(file: bytearray) -> bytearray:
    """Make a PNG file's checksums right again, else nothing behind them would be tested."""
    out, place = file[:8], 8
    while place + 12 <= len(file):
        size = int.from_bytes(file[place : place + 4], "big")
        if place + 12 + size > len(file):
            break
        out += make.png_chunk(
            bytes(file[place + 4 : place + 8]), bytes(file[place + 8 : place + 8 + size])
        )
        place += 12 + size
    return out + file[place:]


def test_mutants_give_an_image_or_one_line(
    capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    seed = int(os.environ.get("SRKIT_SEED") or random.SystemRandom().randrange(2**32))
    count = int(os.environ.get("SRKIT_MUTANTS") or MUTANTS)
    print(f"SRKIT_SEED={seed}")  # noqa: T201 - shown when the test fails
    chance, seeds = random.Random(seed), _seeds()  # noqa: S311 - not a secret
    path = "a folder/mutant"
    images = refusals = 0
    for number in range(count):
        file = io.BytesIO(_mutant(seeds, chance))
        file.name = path
        try:
            image = read_image(file, max_pixels=1_000_000)
        except ImageError as error:
            message = str(error)
            assert message.startswith(f"{path}: "), (number, message)
            assert message.isprintable(), (number, message)
            assert len(message) < len(path) + 250, (number, message)
            refusals += 1
        else:
            assert isinstance(image, Image)
            images += 1
    # Both happen, or nothing was tested.
    assert images > count // 20
    assert refusals > count // 4
    assert not recwarn.list
    out, err = capfd.readouterr()
    print(out)  # noqa: T201
    assert err == ""


@pytest.mark.parametrize("file", _seeds())
def test_every_beginning_of_a_file(file: bytes) -> None:
    whole = _said(file)
    chance = random.Random(0)  # noqa: S311
    for length in {0, 1, 2, 3, 4, 8, 12, 16, *(chance.randrange(len(file)) for _ in range(25))}:
        said = _said(file[:length])
        # Some bytes at the end of a file may not matter, but few.
        assert said is None or said.startswith("<stream>: ")
        if whole is None and length < len(file) * 0.9:
            assert said is not None, length


def _said(file: bytes) -> str | None:
    try:
        read_image(io.BytesIO(file))
    except ImageError as error:
        return str(error)
    return None


def test_a_tag_of_a_thousand_values_makes_no_long_line() -> None:
    # Found by the mutants: a file that gives a depth for each of many samples it has not.
    entries = [(256, 3, 1, 4), (257, 3, 1, 4), (258, 3, 1000, 98), (262, 3, 1, 2), (273, 4, 1, 98)]
    entries += [(277, 3, 1, 3), (279, 4, 1, 48)]
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    file = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(4)
    said = _said(file + struct.pack("<1000H", *range(1000)))
    assert said == "<stream>: TIFF files with 0, 1, 2-bit samples of this kind are not handled yet"


_OTHER_FORMATS = {
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n",
    "pdf": b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n",
    "psd": b"8BPS\0\1" + bytes(40),
    "fits": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
    "gd": b"\xff\xff\0\1\0\1\0" + bytes(99),
    "jpeg2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    "gif": make.saved(PillowImage.new("P", (9, 9)), "GIF"),
    "ppm": b"P6 1 1 255\n\0\0\0",
    "ico": make.saved(PillowImage.new("RGB", (16, 16)), "ICO"),
    "bigtiff": b"II+\0\x08\0\0\0" + bytes(40),
    "script": b"#!/bin/sh\ntouch /tmp/harm\n",
}

_WATCH = """
    import pathlib, sys
    import srkit.images
    from srkit.errors import ImageError
    def watch(event, arguments):
        if event.startswith(("subprocess.", "os.exec", "os.posix_spawn", "os.fork", "os.system",
                             "socket.")):
            print("STARTED", event, arguments)
    sys.addaudithook(watch)
    for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        try:
            srkit.images.read_image(path)
            print("IMAGE", path.name)
        except ImageError as error:
            print(error)
"""


def test_other_formats_under_a_false_name_are_refused_and_nothing_is_started(
    tmp_path: Path,
) -> None:
    for name, file in _OTHER_FORMATS.items():
        (tmp_path / f"{name}.png").write_bytes(file)
    for number, file in enumerate(_seeds()):
        (tmp_path / f"{number}.eps").write_bytes(file)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_WATCH), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line.startswith("STARTED")]
    assert len(lines) == len(list(tmp_path.iterdir()))
    for name in _OTHER_FORMATS:
        (line,) = (line for line in lines if f"{name}.png" in line)
        assert line.startswith(f"{tmp_path / name}.png: ")
    # What it is, the bytes say: these are called .eps.
    assert sum(line.startswith("IMAGE") for line in lines) == len(_seeds()) - 2  # fax, JPEG inside
