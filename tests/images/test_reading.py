"""JPEG, WebP and BMP files, orientation, and what every file has in common."""

import io
import struct
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps
from skimage import data

from srkit.errors import ImageError
from srkit.images import Image, read_image

from . import image_making as make


def _read(file: bytes, **options: Any) -> Image:
    return read_image(io.BytesIO(file), **options)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 30}])
def test_jpeg(mode: str, options: dict[str, Any]) -> None:
    photograph = PillowImage.fromarray(data.astronaut()).convert(mode)
    file = make.saved(photograph, "JPEG", **options)
    expected = np.asarray(PillowImage.open(io.BytesIO(file)))
    image = _read(file)
    assert image.colour.shape == (512, 512, len(photograph.getbands()))
    np.testing.assert_array_equal(image.colour.squeeze(), expected)
    assert image.alpha is None


@pytest.mark.parametrize("lossless", [False, True])
def test_webp(lossless: bool) -> None:
    pixels = make.noise(20, 30, 3)
    file = make.by_pillow(pixels, "WEBP", lossless=lossless)
    expected = pixels if lossless else np.asarray(PillowImage.open(io.BytesIO(file)))
    np.testing.assert_array_equal(_read(file).colour, expected)


def test_webp_with_alpha() -> None:
    pixels = make.noise(20, 30, 4)
    image = _read(make.by_pillow(pixels, "WEBP", lossless=True, exact=True))
    np.testing.assert_array_equal(image.colour, pixels[..., :3])
    np.testing.assert_array_equal(image.alpha, pixels[..., 3])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
@pytest.mark.parametrize("width", [31, 32])
def test_bmp(mode: str, width: int) -> None:
    picture = PillowImage.fromarray(make.noise(20, width, 3)).convert(mode)
    image = _read(make.saved(picture, "BMP"))
    expected = picture.convert("RGB" if mode in ("P", "RGB") else "L")
    np.testing.assert_array_equal(image.colour.squeeze(), np.asarray(expected))


def _bmp_version_5(pixels: np.ndarray[Any, Any], profile: bytes) -> bytes:
    """BGRA with masks and an embedded profile, as Microsoft's page on BITMAPV5HEADER has it."""
    height, width = pixels.shape[:2]
    body = pixels[::-1, :, [2, 1, 0, 3]].tobytes()
    header = struct.pack("<IiiHHIIiiII", 124, width, height, 1, 32, 3, len(body), 3937, 3937, 0, 0)
    header += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"DEBM" + bytes(48)
    header += struct.pack("<4I", 4, 124 + len(body), len(profile), 0)
    assert len(header) == 124
    start = 14 + 124
    return struct.pack("<2sIHHI", b"BM", start + len(body), 0, 0, start) + header + body + profile


def test_bmp_with_alpha_and_profile() -> None:
    pixels, profile = make.noise(5, 7, 4), make.srgb_profile()
    image = _read(_bmp_version_5(pixels, profile))
    np.testing.assert_array_equal(image.colour, pixels[..., :3])
    np.testing.assert_array_equal(image.alpha, pixels[..., 3])
    assert image.profile == profile
    assert image.metadata.dpi == pytest.approx((100, 100), abs=0.01)


def test_cmyk_without_a_profile_is_subtracted() -> None:
    inks = make.smooth(16, 16, 4)
    expected = np.rint((255 - inks[..., :3].astype(float)) * (255 - inks[..., 3:]) / 255)
    image = _read(make.saved(PillowImage.fromarray(inks, "CMYK"), "TIFF"))
    assert np.abs(image.colour - expected).max() <= 1
    # JPEG holds inks inverted, and loses a little.
    image = _read(make.saved(PillowImage.fromarray(inks, "CMYK"), "JPEG", quality=100))
    assert np.abs(image.colour - expected).max() <= 12
    assert image.profile is None


def _ink_profile() -> bytes:
    """A CMYK profile (version 2, A2B0 table of 2 x 2 x 2 x 2 points) that inverts like no formula:
    cyan ink alone comes out as Lab 50, -60, 0, any black as Lab 0, 0, 0, and no ink as white."""
    points = []
    for number in range(16):
        cyan, magenta, yellow, black = (
            number >> 3 & 1,
            number >> 2 & 1,
            number >> 1 & 1,
            number & 1,
        )
        if black:
            lab = (0.0, 0.0, 0.0)
        elif cyan and not magenta and not yellow:
            lab = (50.0, -60.0, 0.0)
        else:
            lab = (100.0 - 30 * (cyan + magenta + yellow), 0.0, 0.0)
        points += [round(lab[0] * 652.8), round((lab[1] + 128) * 256), round((lab[2] + 128) * 256)]
    identity = struct.pack(">HH", 0, 65535)
    table = (
        b"mft2"
        + bytes(4)
        + struct.pack(">BBBx9i", 4, 3, 2, *(65536 * (i % 4 == 0) for i in range(9)))
    )
    table += (
        struct.pack(">HH", 2, 2)
        + identity * 4
        + struct.pack(f">{len(points)}H", *points)
        + identity * 3
    )
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    text = b"text" + bytes(4) + b"none\0" + bytes(3)
    words = b"test\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(words)) + words + bytes(78 + 1)
    tags = {b"A2B0": table, b"wtpt": white, b"cprt": text, b"desc": description}
    place, index, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        index += name + struct.pack(">II", place + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    total = place + len(body)
    header = struct.pack(">I4sI4s4s4s", total, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + body


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_cmyk_goes_by_its_profile(format_: str) -> None:
    profile = _ink_profile()
    inks = np.zeros((16, 48, 4), np.uint8)
    inks[:, 16:32, 0] = 255
    inks[:, 32:, 3] = 255
    picture = PillowImage.fromarray(inks, "CMYK")
    image = _read(
        make.saved(
            picture, format_, icc_profile=profile, **({"quality": 100} if format_ == "JPEG" else {})
        )
    )
    white, cyan, black = image.colour[8, [8, 24, 40]].astype(int)
    assert white.min() >= 253
    assert black.max() <= 2
    # Lab 50, -60, 0 is outside sRGB: no red, a strong green. Plain subtraction gives 0, 255, 255.
    assert cyan[0] <= 2
    assert 120 <= cyan[1] <= 150
    assert 100 <= cyan[2] <= 140
    assert image.profile is None


@pytest.mark.parametrize("profile", [make.srgb_profile(), _ink_profile()[:300]])
def test_cmyk_with_a_profile_of_no_use_is_refused(profile: bytes) -> None:
    picture = PillowImage.new("CMYK", (8, 8))
    with pytest.raises(ImageError, match="profile"):
        _read(make.saved(picture, "JPEG", icc_profile=profile))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(format_: str, orientation: int) -> None:
    picture = PillowImage.fromarray(make.smooth(24, 40))
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    exact = {"lossless": True} if format_ == "WEBP" else {}
    file = make.saved(picture, format_, exif=exif.tobytes(), **exact)
    expected = ImageOps.exif_transpose(PillowImage.open(io.BytesIO(file)))
    image = _read(file)
    np.testing.assert_array_equal(image.colour, np.asarray(expected))
    assert image.colour.flags.c_contiguous
    again = PillowImage.Exif()
    again.load(image.metadata.exif or b"")
    assert again.get(0x0112) == 1


def test_orientation_turns_alpha_16_bits_and_resolution_too() -> None:
    pixels = make.noise(6, 9, 4, dtype=np.uint16)
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    density = struct.pack(">IIB", 11811, 5906, 1)
    image = _read(
        make.png_of(pixels, make.RGB_ALPHA, before=[(b"eXIf", block), (b"pHYs", density)])
    )
    turned = np.rot90(pixels, -1)
    np.testing.assert_array_equal(image.colour, turned[..., :3])
    np.testing.assert_array_equal(image.alpha, turned[..., 3])
    assert image.metadata.dpi == pytest.approx((150, 300), abs=0.02)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientations_that_do_not_exist_turn_nothing(orientation: int) -> None:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    pixels = make.smooth(8, 12)
    image = _read(make.by_pillow(pixels, "WEBP", lossless=True, exif=exif.tobytes()))
    np.testing.assert_array_equal(image.colour, pixels)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_profile_and_resolution_come_along(format_: str) -> None:
    profile = make.srgb_profile()
    exif = make.exif_block()
    file = make.by_pillow(make.smooth(8, 8), format_, icc_profile=profile, exif=exif)
    image = _read(file)
    assert image.profile == profile
    assert image.metadata.dpi == pytest.approx((240, 240))


def test_jpeg_resolution_in_centimetres_and_none_at_all() -> None:
    file = bytearray(make.by_pillow(make.smooth(8, 8), "JPEG", dpi=(100, 200)))
    place = file.index(b"JFIF\0") + 7
    assert _read(bytes(file)).metadata.dpi == (100, 200)
    file[place] = 2
    assert _read(bytes(file)).metadata.dpi == (254, 508)
    file[place] = 0  # only the pixels' shape
    assert _read(bytes(file)).metadata.dpi is None


def test_a_jpeg_with_a_part_of_its_profile_missing_is_refused() -> None:
    profile = make.srgb_profile().ljust(100_000, b"\0")
    file = make.by_pillow(make.smooth(8, 8), "JPEG", icc_profile=profile)
    assert _read(file).profile == profile
    first = file.index(b"\xff\xe2")
    length = int.from_bytes(file[first + 2 : first + 4], "big")
    with pytest.raises(ImageError, match="profile"):
        _read(file[:first] + file[first + 2 + length :])


def test_the_first_picture_of_a_phones_jpeg_is_read() -> None:
    first, second = PillowImage.fromarray(make.smooth(16, 16)), PillowImage.new("RGB", (8, 8))
    file = make.saved(first, "MPO", save_all=True, append_images=[second])
    expected = np.asarray(PillowImage.open(io.BytesIO(file)))
    np.testing.assert_array_equal(_read(file).colour, expected)


def _scans(count: int) -> bytes:
    """Repeat the last scan of a progressive file, which is only a refinement, many times."""
    file = make.by_pillow(make.smooth(64, 64), "JPEG", progressive=True)
    last = file.rindex(b"\xff\xda")
    return file[:last] + file[last:-2] * count + file[-2:]


def test_jpegs_of_a_thousand_scans_are_refused() -> None:
    assert _read(_scans(3)).colour.shape == (64, 64, 3)
    with pytest.raises(ImageError, match=r"10\d\d scans"):
        _read(_scans(1000))


def _animation(format_: str) -> bytes:
    frames = [PillowImage.fromarray(make.noise(8, 8, 3, seed=k)) for k in range(3)]
    return make.saved(frames[0], format_, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_animations_are_refused(format_: str) -> None:
    with pytest.raises(ImageError, match="animated"):
        _read(_animation(format_))


def test_one_line_for_each_reason(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "empty.png").touch()
    (tmp_path / "loop.png").symlink_to("loop.png")
    for name, says in {
        "folder.png": "is a folder",
        "missing.png": "cannot be read: No such file or directory",
        "empty.png": "is empty",
        "loop.png": "cannot be read: Too many levels of symbolic links",
        "x" * 300 + ".png": "cannot be read: File name too long",
    }.items():
        with pytest.raises(ImageError) as caught:
            read_image(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {says}"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="not a file"):
        read_image(tmp_path / "pipe.png")


@pytest.mark.parametrize("name", ["été ü.png", "写真🙂.png", "עברית.png", "-x.png", "a b\tc.png"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    pixels = make.noise(3, 3, 3)
    (tmp_path / name).write_bytes(make.by_pillow(pixels, "PNG"))
    np.testing.assert_array_equal(read_image(tmp_path / name).colour, pixels)


def test_a_name_that_is_no_text_and_one_with_a_line_break_fit_on_a_line(tmp_path: Path) -> None:
    for raw, shown in [
        (b"\xff\xfe.png", r"\udcff\udcfe.png"),
        (b"two\nlines.png", r"two\nlines.png"),
    ]:
        path = tmp_path / Path(raw.decode("utf-8", "surrogateescape"))
        path.write_bytes(b"nothing")
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert str(caught.value).startswith(f"{tmp_path}/{shown}: ")
        str(caught.value).encode()


class _OneWay(io.RawIOBase):
    """A stream that cannot go back, gives little at a time, and has a descriptor for a name."""

    name = 3

    def __init__(self, data_: bytes) -> None:
        self._left = io.BytesIO(data_)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._left.readinto(memoryview(buffer)[:1000])


def test_streams() -> None:
    pixels = make.noise(40, 40, 3)
    for format_ in ("PNG", "BMP", "TIFF"):
        file = make.by_pillow(pixels, format_)
        np.testing.assert_array_equal(_read(file).colour, pixels)
        for one_way in (_OneWay(file), io.BufferedReader(_OneWay(file))):
            np.testing.assert_array_equal(read_image(cast(BinaryIO, one_way)).colour, pixels)
        behind = io.BytesIO(b"something else" + file)
        behind.seek(14)
        np.testing.assert_array_equal(read_image(behind).colour, pixels)


def test_streams_are_called_by_their_name() -> None:
    stream = io.BytesIO(b"nothing")
    with pytest.raises(ImageError, match=r"^<stream>: is none of PNG, JPEG, WebP, BMP and TIFF$"):
        read_image(stream)
    stream.name = "upload.png"
    with pytest.raises(ImageError, match=r"^upload\.png: "):
        read_image(stream)
    with pytest.raises(ImageError, match=r"^<stream>: "):
        read_image(io.BufferedReader(_OneWay(b"nothing")))


def test_warnings_of_pillow_are_not_passed_on(recwarn: pytest.WarningsRecorder) -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff"  # a directory of 65535 entries, none of them there
    file = bytearray(make.by_pillow(make.smooth(8, 8), "JPEG", exif=exif))
    file[file.index(b"JFIF\0") + 7] = 0  # so that Pillow looks for the resolution in there
    PillowImage.open(io.BytesIO(file))
    assert recwarn.pop()
    recwarn.clear()
    _read(bytes(file))
    assert not recwarn.list


def test_a_profile_need_not_be_one() -> None:
    # Nothing is converted, so it is carried along as it is.
    file = make.by_pillow(make.smooth(8, 8), "PNG", icc_profile=b"not a profile")
    assert _read(file).profile == b"not a profile"


def test_image_checks_what_it_is_given() -> None:
    colour: Any = make.noise(3, 4, 3)
    for wrong in (colour[..., 0], colour[..., :0], colour[:0], colour.astype(np.float32)):
        with pytest.raises(ValueError, match="colour"):
            Image(colour=wrong)
    for alpha in (colour, colour[:2, :, 0], colour[..., 0].astype(np.uint16)):
        with pytest.raises(ValueError, match="alpha"):
            Image(colour=colour, alpha=alpha)
    with pytest.raises(ValueError, match="alpha goes with gray or RGB, not with 2 bands"):
        Image(colour=colour[..., :2], alpha=colour[..., 2])
    assert (Image(colour=colour).height, Image(colour=colour).width) == (3, 4)


def test_the_test_s_own_profile_is_a_profile() -> None:
    assert ImageCms.ImageCmsProfile(io.BytesIO(_ink_profile())).profile.xcolor_space == "CMYK"
