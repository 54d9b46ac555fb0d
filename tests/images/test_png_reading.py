"""PNG files: every kind and depth comes out as the specification says, or not at all."""

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from srkit.errors import ImageError
from srkit.images import Image, read_image

from . import image_making as make


def _read(file: bytes) -> Image:
    return read_image(io.BytesIO(file))


def _bits(values: NDArray[np.uint8], depth: int) -> list[bytes]:
    """Pack rows of small numbers, the first in the highest bits."""
    each = np.unpackbits(values[..., None], axis=2)[..., 8 - depth :]
    return [np.packbits(row.reshape(-1)).tobytes() for row in each]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("kind", "samples"),
    [(make.GRAY, 1), (make.RGB, 3), (make.GRAY_ALPHA, 2), (make.RGB_ALPHA, 4)],
)
@pytest.mark.parametrize("size", [(1, 1), (7, 13), (64, 3)])
def test_samples_are_those_of_the_file(
    dtype: Any, kind: int, samples: int, size: tuple[int, int]
) -> None:
    pixels = make.noise(*size, samples, dtype=dtype)
    image = _read(make.png_of(pixels, kind))
    colours = samples if samples % 2 else samples - 1
    assert image.colour.dtype == dtype
    np.testing.assert_array_equal(image.colour, pixels[..., :colours])
    if samples == colours:
        assert image.alpha is None
    else:
        np.testing.assert_array_equal(image.alpha, pixels[..., -1])


@pytest.mark.parametrize("flag", range(6))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_survive_every_filter(flag: int, channels: int) -> None:
    # OpenCV chooses the filter of a row; here it is made to take each of the five.
    pixels = np.cumsum(make.noise(40, 31, channels, dtype=np.uint16) % 300, axis=1).astype(
        np.uint16
    )
    done, encoded = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_FILTER, 8 << min(flag, 4)])
    assert done
    expected = pixels if channels == 1 else pixels[..., [2, 1, 0, 3][:channels]]
    image = _read(encoded.tobytes())
    np.testing.assert_array_equal(image.colour, expected[..., :3])


def test_dark_16_bit_images_stay_16_bit() -> None:
    pixels = make.noise(5, 5, 3, dtype=np.uint8).astype(np.uint16)  # nothing above 255
    assert _read(make.png_of(pixels, make.RGB)).colour.dtype == np.uint16


def test_interlaced_files() -> None:
    # Adam7, section 8.2 of the specification: seven small images one after the other.
    pixels = make.noise(11, 10, 3, dtype=np.uint16)
    starts = [(0, 0), (0, 4), (4, 0), (0, 2), (2, 0), (0, 1), (1, 0)]
    steps = [(8, 8), (8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1)]
    rows = []
    for (top, left), (down, across) in zip(starts, steps, strict=True):
        rows += [row.astype(">u2").tobytes() for row in pixels[top::down, left::across] if row.size]
    file = make.png(rows, make.png_header(10, 11, 16, make.RGB, interlaced=1))
    np.testing.assert_array_equal(_read(file).colour, pixels)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_of_gray_fill_the_range(depth: int) -> None:
    top = 2**depth - 1
    values = (make.noise(9, 13) % (top + 1)).astype(np.uint8)
    key = (b"tRNS", struct.pack(">H", 1))
    header = make.png_header(13, 9, depth, make.GRAY)
    image = _read(make.png(_bits(values, depth), header))
    np.testing.assert_array_equal(image.colour[..., 0], values * (255 // top))
    assert image.alpha is None
    image = _read(make.png(_bits(values, depth), header, before=[key]))
    np.testing.assert_array_equal(image.colour[..., 0], values * (255 // top))
    np.testing.assert_array_equal(image.alpha, np.where(values == 1, 0, 255))


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_palettes_become_rgb_with_their_transparency(depth: int) -> None:
    entries = min(2**depth, 200)
    palette = make.noise(entries, 3, seed=1)
    opacity = make.noise(max(entries // 2, 1), seed=2)
    indices = (make.noise(9, 13) % entries).astype(np.uint8)
    header = make.png_header(13, 9, depth, make.PALETTE)
    before = [(b"PLTE", palette.tobytes()), (b"tRNS", opacity.tobytes())]
    image = _read(make.png(_bits(indices, depth), header, before=before[:1]))
    np.testing.assert_array_equal(image.colour, palette[indices])
    assert image.alpha is None
    image = _read(make.png(_bits(indices, depth), header, before=before))
    np.testing.assert_array_equal(image.colour, palette[indices])
    full = np.concatenate([opacity, np.full(entries, 255, np.uint8)])
    np.testing.assert_array_equal(image.alpha, full[indices])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("kind", "channels"), [(make.GRAY, 1), (make.RGB, 3)])
def test_one_transparent_colour_becomes_alpha(dtype: Any, kind: int, channels: int) -> None:
    pixels = make.noise(6, 7, channels, dtype=dtype)
    pixels[2:4] = pixels[0, 0]
    pixels[5, 5] = pixels[0, 0]
    pixels[5, 5, 0] ^= 1  # nearly the colour is not the colour
    key = struct.pack(f">{channels}H", *map(int, pixels[0, 0]))
    image = _read(make.png_of(pixels, kind, before=[(b"tRNS", key)]))
    np.testing.assert_array_equal(image.colour, pixels)
    assert image.alpha is not None
    assert image.alpha.dtype == dtype
    assert image.alpha[2:4].max() == image.alpha[0, 0] == 0
    assert image.alpha[5, 5] == np.iinfo(dtype).max


def test_what_comes_with_the_pixels() -> None:
    profile = make.srgb_profile()
    exif = make.exif_block().removeprefix(b"Exif\0\0")
    packet = b"<x:xmpmeta/>"
    file = make.png_of(
        make.noise(4, 4, 3),
        make.RGB,
        before=[
            (b"iCCP", b"a name\0\0" + zlib.compress(profile)),
            (b"pHYs", struct.pack(">IIB", 11811, 5906, 1)),
            (b"tEXt", b"Author\0somebody"),
        ],
        after=[(b"eXIf", exif), (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)],
    )
    image = _read(file)
    assert image.profile == profile
    assert image.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    assert image.metadata.xmp == packet
    assert image.metadata.png_text == ((b"tEXt", b"Author\0somebody"),)
    assert image.metadata.exif is not None
    assert b"PublicModel" in image.metadata.exif


def test_a_gray_photograph() -> None:
    expected = data.camera()
    image = _read(make.by_pillow(expected, "PNG"))
    assert image.colour.shape == (512, 512, 1)
    np.testing.assert_array_equal(image.colour[..., 0], expected)


_PIXELS = make.noise(5, 6, 3)
_GOOD = make.png_of(_PIXELS, make.RGB)


@pytest.mark.parametrize(
    ("file", "says"),
    [
        pytest.param(_GOOD[:-12], "ends too early", id="no end"),
        pytest.param(_GOOD[:60], "ends too early", id="half the pixels"),
        pytest.param(_GOOD[:8], "ends too early", id="signature alone"),
        pytest.param(_GOOD.replace(b"IDAT", b"IDAx"), "checksum|PNG", id="renamed chunk"),
        pytest.param(_GOOD[:50] + bytes([_GOOD[50] ^ 1]) + _GOOD[51:], "checksum", id="a bit"),
        pytest.param(
            make.png_of(_PIXELS, make.RGB, before=[(b"acTL", struct.pack(">II", 2, 0))]),
            "animated",
            id="animation",
        ),
        pytest.param(
            make.png_of(_PIXELS, make.RGB, before=[(b"cICP", bytes([9, 16, 0, 1]))]),
            "HDR",
            id="HDR",
        ),
        pytest.param(
            make.png_of(
                _PIXELS, make.RGB, before=[(b"iCCP", b"n\0\0" + zlib.compress(b"x" * 99)[:-5])]
            ),
            "profile",
            id="half a profile",
        ),
        pytest.param(
            make.png_of(_PIXELS, make.RGB, before=[(b"ABCD", b"")]), "ABCD", id="critical chunk"
        ),
        pytest.param(make.png_of(_PIXELS[..., :1], make.PALETTE), "palette", id="no palette"),
        pytest.param(
            make.png_of(_PIXELS[..., :1] | 9, make.PALETTE, before=[(b"PLTE", b"abc" * 9)]),
            "palette",
            id="beyond the palette",
        ),
        pytest.param(make.png([b"abc"], make.png_header(1, 1, 8, 5)), "type 5", id="no such kind"),
        pytest.param(make.png([], make.png_header(0, 1, 8, 2)), "no pixels", id="no pixels"),
        pytest.param(
            make.png([b"abc" * 9999] * 9, make.png_header(1, 1, 8, 2))[:40], "early", id="short"
        ),
        pytest.param(
            make.png([make.noise(180_000).tobytes()], make.png_header(1, 1, 8, 2)),
            "more data than pixels",
            id="too much",
        ),
        pytest.param(make.png([b"abc"], make.png_header(1, 2, 8, 2)), "rows", id="a row short"),
        pytest.param(
            make.png([b"abcdef"] * 3, make.png_header(1, 9, 16, 2, interlaced=1)),
            "rows",
            id="interlaced, six rows short",
        ),
    ],
)
def test_refuses(file: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says) as caught:
        _read(file)
    assert str(caught.value).startswith("<stream>: ")


def test_one_frame_of_animation_is_an_image() -> None:
    file = make.png_of(_PIXELS, make.RGB, before=[(b"acTL", struct.pack(">II", 1, 0))])
    np.testing.assert_array_equal(_read(file).colour, _PIXELS)


def test_text_that_unpacks_to_gigabytes_is_never_unpacked() -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(50_000_000))
    file = make.png_of(_PIXELS, make.RGB, before=[(b"zTXt", bomb)] * 20)
    assert [len(body) for _, body in _read(file).metadata.png_text] == [len(bomb)] * 20
