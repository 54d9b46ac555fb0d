"""Files that claim more than they should are refused on their header, in little memory (P14)."""

import io
import json
import struct
import subprocess
import sys
import textwrap
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from srkit.errors import ImageError
from srkit.images import DEFAULT_MAX_PIXELS, read_image

from . import image_making as make


def _flat_png(width: int, height: int, depth: int = 8, kind: int = make.RGB) -> bytes:
    """A real file of zeros, packed piece by piece."""
    row_bytes = -(-width * {make.RGB: 3, make.GRAY: 1}[kind] * depth // 8) + 1
    packer, packed = zlib.compressobj(1), b""
    for _ in range(0, height, 100):
        packed += packer.compress(bytes(row_bytes * 100))
    chunks = [
        (b"IHDR", make.png_header(width, height, depth, kind)),
        (b"IDAT", packed + packer.flush()),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(make.png_chunk(*chunk) for chunk in chunks)


def _claims(file: bytes, place: int, format_: str, *values: int) -> bytes:
    """Overwrite a size in a header."""
    changed = bytearray(file)
    struct.pack_into(format_, changed, place, *values)
    return bytes(changed)


def _jpeg_of_65500() -> bytes:
    file = make.by_pillow(make.smooth(16, 16), "JPEG")
    return _claims(file, file.index(b"\xff\xc0") + 5, ">HH", 65500, 65500)


def _progressive_of_65500() -> bytes:
    file = make.by_pillow(make.smooth(16, 16), "JPEG", progressive=True)
    return _claims(file, file.index(b"\xff\xc2") + 5, ">HH", 65500, 65500)


def _webp_of_16383() -> bytes:
    file = make.by_pillow(make.smooth(16, 16), "WEBP", lossless=True)
    bits = 16382 | 16382 << 14 | int.from_bytes(file[21:25], "little") >> 28 << 28
    return _claims(file, 21, "<I", bits)


def _lossy_webp_of_16383() -> bytes:
    return _claims(make.by_pillow(make.smooth(16, 16), "WEBP"), 26, "<HH", 16383, 16383)


def _extended_webp_of_16383() -> bytes:
    file = make.by_pillow(make.smooth(16, 16), "WEBP", xmp=b"x")
    return _claims(file, 24, "<IH", 16382 | (16382 & 0xFF) << 24, 16382 >> 8)


def _animated_webp() -> bytes:
    frame = PillowImage.new("RGB", (100, 100))
    file = make.saved(
        frame, "WEBP", save_all=True, append_images=[PillowImage.new("RGB", (100, 100), 9)]
    )
    first = file.index(b"ANMF")
    size = 8 + int.from_bytes(file[first + 4 : first + 8], "little")
    body = file[12:first] + file[first : first + size] * 10_000
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _animated_png() -> bytes:
    frame = (b"fcTL", bytes(26)), (b"fdAT", bytes(20))
    before = [(b"acTL", struct.pack(">II", 10_000, 0))]
    return make.png_of(make.noise(8, 8, 3), make.RGB, before=before, after=frame * 10_000)


def _bmp_of_2_31() -> bytes:
    return _claims(make.by_pillow(make.smooth(16, 16), "BMP"), 18, "<ii", 2**31 - 1, 2**31 - 1)


def _tiff_of_2_32() -> bytes:
    entries = [
        (256, 4, 2**32 - 1),
        (257, 4, 2**32 - 1),
        (258, 3, 8),
        (262, 3, 1),
        (273, 4, 8),
        (279, 4, 8),
    ]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(4)


def _tiff_strip_bomb() -> bytes:
    """Sixteen pixels, in a strip that unpacks to 200 MB."""
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(10**7)) for _ in range(20)) + packer.flush()
    entries = [
        (256, 3, 4),
        (257, 3, 4),
        (258, 3, 8),
        (259, 3, 8),
        (262, 3, 1),
        (273, 4, 98),
        (279, 4, len(packed)),
    ]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + table + bytes(4)
    assert len(head) == 98
    return head + packed


def _gif() -> bytes:
    frame = PillowImage.new("P", (100, 100))
    return make.saved(
        frame, "GIF", save_all=True, append_images=[frame.copy()] * 10, optimize=False
    )


def _text_bomb(kind: bytes) -> bytes:
    name = b"ICC profile\0\0" if kind == b"iCCP" else b"Comment\0\0"
    chunk = (kind, name + zlib.compress(bytes(100_000_000), 1))
    return make.png_of(make.noise(8, 8, 3), make.RGB, before=[chunk] * 3)


Bombs = dict[str, tuple[Callable[[], bytes], str | None]]

OVER_THE_LIMIT: Bombs = {
    "png-400": (lambda: _flat_png(20_000, 20_000, 1, make.GRAY), "400,000,000 pixels"),
    "png-169": (lambda: _flat_png(13_000, 13_000, 1, make.GRAY), "169,000,000 pixels"),
    "png-89": (lambda: _flat_png(9_433, 9_433), "88,981,489 pixels"),
    "jpeg-65500": (_jpeg_of_65500, "4,290,250,000 pixels"),
    "progressive-65500": (_progressive_of_65500, "4,290,250,000 pixels"),
    "webp-16383": (_webp_of_16383, "268,402,689 pixels"),
    "lossy-webp-16383": (_lossy_webp_of_16383, "268,402,689 pixels"),
    "extended-webp-16383": (_extended_webp_of_16383, "268,402,689 pixels"),
    "bmp-2-31": (_bmp_of_2_31, "4,611,686,014,132,420,609 pixels"),
    "tiff-2-32": (_tiff_of_2_32, "18,446,744,065,119,617,025 pixels"),
}
OTHER_BOMBS: Bombs = {
    "animated-webp": (_animated_webp, "animated"),
    "animated-png": (_animated_png, "animated"),
    "animated-gif": (_gif, "none of PNG"),
    "profile": (lambda: _text_bomb(b"iCCP"), "profile"),
    "text": (lambda: _text_bomb(b"zTXt"), None),  # never unpacked, so harmless
    "tiff-strip": (_tiff_strip_bomb, None),
}

_READ_THEM_ALL = """
    import json, pathlib, resource, sys, time
    import srkit.images
    from srkit.errors import ImageError
    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # Each format once, so that no library is still to be loaded.
    for path in sorted(pathlib.Path(sys.argv[1], "idle").iterdir()):
        srkit.images.read_image(path)
    idle, results = peak(), {}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.bomb")):
        begin = time.monotonic()
        try:
            srkit.images.read_image(path)
            said = hint = None
        except ImageError as error:
            said, hint = str(error), error.hint
        results[path.stem] = [said, hint, peak() - idle, time.monotonic() - begin]
    print(json.dumps(results))
"""


def test_bombs_are_refused_in_little_memory(tmp_path: Path) -> None:
    bombs = OVER_THE_LIMIT | OTHER_BOMBS
    for name, (build, _) in bombs.items():
        (tmp_path / f"{name}.bomb").write_bytes(build())
    (tmp_path / "idle").mkdir()
    for format_ in ("PNG", "JPEG", "WEBP", "BMP", "TIFF"):
        (tmp_path / "idle" / format_).write_bytes(make.by_pillow(make.smooth(9, 9), format_))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_READ_THEM_ALL), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    results = json.loads(done.stdout)
    assert results.keys() == bombs.keys()
    for name, (said, hint, grown, seconds) in results.items():
        expected = bombs[name][1]
        if expected is None:
            assert said is None
        else:
            assert said.startswith(f"{tmp_path / name}.bomb: ")
            assert expected in said
        if name in OVER_THE_LIMIT:
            assert f"over the limit of {DEFAULT_MAX_PIXELS:,}" in said
            assert hint.startswith("--max-pixels ")
        assert grown < 60, f"{name}: {grown:.0f} MB over idle"
        assert seconds < 1, f"{name}: {seconds:.2f} s"


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_the_limit_is_exact(format_: str) -> None:
    file = make.by_pillow(make.smooth(7, 11), format_)
    assert read_image(io.BytesIO(file), max_pixels=77).colour.shape == (7, 11, 3)
    with pytest.raises(ImageError) as caught:
        read_image(io.BytesIO(file), max_pixels=76)
    assert str(caught.value) == "<stream>: 77 pixels (11 x 7), over the limit of 76"
    assert caught.value.hint == "--max-pixels 77 allows it"


@pytest.mark.filterwarnings("error")
def test_pillows_own_limit_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    # It is 89 million pixels, and twice that: raising srkit's would be of no use.
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", 100)
    for format_ in ("PNG", "JPEG", "WEBP", "BMP", "TIFF"):
        file = make.by_pillow(make.smooth(50, 50), format_)
        assert read_image(io.BytesIO(file), max_pixels=2500).colour.shape == (50, 50, 3)


def test_files_larger_than_any_image_within_the_limit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole: no disk is needed
    for source in (path, path.open("rb")):
        with pytest.raises(ImageError, match=r"a\.png: over 67,118,864 bytes") as caught:
            read_image(source, max_pixels=1250)
        assert caught.value.hint is not None
        assert "--max-pixels" in caught.value.hint
