"""What is written is what is read again, whole or not at all."""

import errno
import io
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image as PillowImage
from PIL import ImageCms
from skimage import data

from srkit.errors import ConfigError, ImageError
from srkit.images import WRITABLE_SUFFIXES, Image, Metadata, read_image, write_image

from . import image_making as make

EXACT = [".png", ".tif", ".tiff", ".bmp", ".webp"]


def _image(channels: int = 3, *, alpha: bool = False, dtype: Any = np.uint8, **rest: Any) -> Image:
    samples = make.noise(23, 31, channels + 1, dtype=dtype)
    return Image(
        colour=samples[..., :channels], alpha=samples[..., channels] if alpha else None, **rest
    )


@pytest.mark.parametrize("suffix", EXACT)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
def test_exact_formats_give_back_every_sample_or_refuse(
    tmp_path: Path, suffix: str, dtype: Any, channels: int, alpha: bool
) -> None:
    image, path = _image(channels, alpha=alpha, dtype=dtype), tmp_path / f"a{suffix}"
    if (dtype == np.uint16 and suffix in (".bmp", ".webp")) or (alpha and suffix == ".bmp"):
        with pytest.raises(ImageError, match="cannot hold"):
            write_image(path, image, lossless=True)
        assert not path.exists()
        return
    write_image(path, image, lossless=True)
    again = read_image(path)
    expected = image.colour if suffix != ".webp" else np.broadcast_to(image.colour, (23, 31, 3))
    assert again.colour.dtype == dtype
    np.testing.assert_array_equal(again.colour, expected)
    if alpha:
        np.testing.assert_array_equal(again.alpha, image.alpha)
    else:
        assert again.alpha is None
    assert again.profile is None
    assert again.metadata.dpi is None  # none is made up


@pytest.mark.parametrize("suffix", sorted(WRITABLE_SUFFIXES))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [2, 4, 5, 12])
def test_only_tiff_files_hold_bands(tmp_path: Path, suffix: str, dtype: Any, bands: int) -> None:
    path = tmp_path / f"a{suffix}"
    image = Image(colour=make.noise(23, 31, bands, dtype=dtype))
    if suffix not in (".tif", ".tiff"):
        with pytest.raises(ImageError, match=f"cannot hold {bands} bands") as caught:
            write_image(path, image)
        assert caught.value.hint == "choose .tif or .tiff"
        assert not path.exists()
        return
    write_image(path, image)
    np.testing.assert_array_equal(read_image(path).colour, image.colour)
    np.testing.assert_array_equal(tifffile.imread(path), image.colour)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
def test_other_programs_read_the_same_16_bits(
    tmp_path: Path, suffix: str, channels: int, alpha: bool
) -> None:
    image, path = _image(channels, alpha=alpha, dtype=np.uint16), tmp_path / f"a{suffix}"
    write_image(path, image)
    expected = image.colour
    if image.alpha is not None:
        expected = np.concatenate([image.colour, image.alpha[..., None]], axis=2)
    if suffix == ".tiff":
        np.testing.assert_array_equal(tifffile.imread(path), expected.squeeze())
        return
    seen = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert seen is not None
    if seen.ndim == 3:  # blue, green, red; and gray with alpha as if it were colour
        seen = seen[..., [2, 1, 0, 3][: seen.shape[2]]]
        seen = seen[..., 2:] if channels == 1 else seen
    np.testing.assert_array_equal(seen, expected.squeeze())


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_quality_trades_size_for_error(tmp_path: Path, suffix: str) -> None:
    photograph = data.astronaut()[:128, 100:260]
    sizes, errors = [], []
    for quality in (20, None, 100):
        path = tmp_path / f"{quality}{suffix}"
        write_image(path, Image(colour=photograph), quality=quality)
        sizes.append(path.stat().st_size)
        difference = read_image(path).colour.astype(float) - photograph
        errors.append(float(np.sqrt((difference**2).mean())))
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert errors[1] < 4  # the default
    assert len(set(sizes)) == 3


def test_suffixes_count_in_any_case(tmp_path: Path) -> None:
    for suffix, format_ in {
        ".PNG": "PNG",
        ".JpG": "JPEG",
        ".TIFF": "TIFF",
        ".WebP": "WEBP",
    }.items():
        write_image(tmp_path / f"a{suffix}", _image())
        with PillowImage.open(tmp_path / f"a{suffix}") as picture:
            assert picture.format == format_


@pytest.mark.parametrize(
    ("name", "image", "options", "says", "hint"),
    [
        ("a.gif", _image(), {}, "cannot be written: unknown suffix '.gif'", ".png, .jpg, .jpeg"),
        ("a", _image(), {}, "cannot be written: no suffix", ".png"),
        ("a.jpg", _image(alpha=True), {}, "JPEG cannot hold transparency", ".webp, .tif or .tiff"),
        ("a.bmp", _image(alpha=True), {}, "BMP cannot hold transparency", ".webp"),
        ("a.jpg", _image(dtype=np.uint16), {}, "JPEG cannot hold 16 bits", ".png, .tif or .tiff"),
        ("a.webp", _image(dtype=np.uint16), {}, "WebP cannot hold 16 bits", ".png"),
        ("a.jpg", _image(), {"lossless": True}, "JPEG cannot be lossless", ".png"),
        (
            "a.webp",
            Image(colour=np.zeros((1, 16384, 3), np.uint8)),
            {},
            "WebP holds at most 16,383 pixels a side, not 16384 x 1",
            ".png",
        ),
        (
            "a.jpg",
            Image(colour=np.zeros((65501, 1, 1), np.uint8)),
            {},
            "JPEG holds at most 65,500 pixels a side, not 1 x 65501",
            ".png",
        ),
    ],
)  # fmt: skip
def test_refuses_what_the_format_cannot_hold(
    tmp_path: Path, name: str, image: Image, options: dict[str, Any], says: str, hint: str
) -> None:
    with pytest.raises(ImageError) as caught:
        write_image(tmp_path / name, image, **options)
    assert str(caught.value) == f"{tmp_path / name}: {says}"
    assert caught.value.hint is not None
    assert hint in caught.value.hint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".webp", ".jpg"])
def test_the_largest_sides_can_be_written(tmp_path: Path, suffix: str) -> None:
    side = {".webp": 16383, ".jpg": 65500}[suffix]
    write_image(tmp_path / f"a{suffix}", Image(colour=np.zeros((1, side, 3), np.uint8)))
    assert read_image(tmp_path / f"a{suffix}").width == side


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_an_alpha_that_hides_nothing_may_go(tmp_path: Path, suffix: str) -> None:
    image = Image(colour=make.smooth(9, 9), alpha=np.full((9, 9), 255, np.uint8))
    write_image(tmp_path / f"a{suffix}", image)
    assert read_image(tmp_path / f"a{suffix}").alpha is None


@pytest.mark.parametrize("quality", [0, 101, -1])
def test_quality_has_a_range(tmp_path: Path, quality: int) -> None:
    with pytest.raises(ConfigError, match=f"quality must be 1 to 100, got {quality}"):
        write_image(tmp_path / "a.jpg", _image(), quality=quality)


@pytest.mark.parametrize("suffix", sorted(WRITABLE_SUFFIXES - {".bmp"}))
@pytest.mark.parametrize("size", [500, 200_000])  # the longer one needs four segments in JPEG
def test_the_profile_stays(tmp_path: Path, suffix: str, size: int) -> None:
    profile = make.noise(size).tobytes()
    write_image(tmp_path / f"a{suffix}", _image(profile=profile), metadata="strip")
    assert read_image(tmp_path / f"a{suffix}").profile == profile


def _display_profile() -> bytes:
    """A profile of a display that is not sRGB: as if red, green and blue changed places."""
    profile = bytearray(make.srgb_profile())
    count = int.from_bytes(profile[128:132], "big")
    table = {bytes(profile[k : k + 4]): k for k in range(132, 132 + 12 * count, 12)}
    red, blue = table[b"rXYZ"], table[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def test_bmp_gets_the_same_colours_without_the_profile(tmp_path: Path) -> None:
    profile, colour = _display_profile(), make.smooth(20, 20)
    write_image(tmp_path / "a.bmp", Image(colour=colour, profile=profile))
    again = read_image(tmp_path / "a.bmp")
    assert np.abs(again.colour.astype(int) - colour[..., ::-1]).max() <= 2  # red is blue
    write_image(tmp_path / "b.bmp", Image(colour=colour, profile=make.srgb_profile()))
    assert np.abs(read_image(tmp_path / "b.bmp").colour.astype(int) - colour).max() <= 1
    with pytest.raises(ImageError, match=r"c\.bmp: its colour profile"):
        write_image(tmp_path / "c.bmp", Image(colour=colour, profile=b"no profile"))


def test_bmp_of_gray_with_the_profile_of_a_colour_display(tmp_path: Path) -> None:
    write_image(tmp_path / "a.bmp", Image(colour=make.smooth(9, 9, 1), profile=make.srgb_profile()))
    assert (
        np.abs(read_image(tmp_path / "a.bmp").colour.astype(int) - make.smooth(9, 9, 1)).max() <= 1
    )
    assert ImageCms.getProfileName(ImageCms.ImageCmsProfile(io.BytesIO(make.srgb_profile())))


@contextmanager
def _disk_of(size: int) -> Iterator[None]:
    """Let no file grow over `size` bytes: what a full disk looks like to a program."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", sorted(WRITABLE_SUFFIXES))
@pytest.mark.parametrize("size", [0, 500])
def test_a_full_disk_costs_nothing_but_a_line(tmp_path: Path, suffix: str, size: int) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"what was there")
    with _disk_of(size), pytest.raises(ImageError) as caught:
        write_image(path, _image())
    assert str(caught.value) == f"{path}: cannot be written: {os.strerror(errno.EFBIG)}"
    assert path.read_bytes() == b"what was there"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failing_fsync_costs_nothing_but_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImageError, match=r"a\.png: cannot be written: No space left on device$"):
        write_image(tmp_path / "a.png", _image())
    assert not list(tmp_path.iterdir())


def test_places_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for name, reason in {
        "missing/a.png": "No such file or directory",
        "file/a.png": "Not a directory",
        "folder.png": "Is a directory",
        "x" * 300 + ".png": "File name too long",
    }.items():
        with pytest.raises(ImageError) as caught:
            write_image(tmp_path / name, _image())
        assert str(caught.value) == f"{tmp_path / name}: cannot be written: {reason}"
    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(Path, "open", lambda *_: _raise(PermissionError(13, "Permission denied")))
    with pytest.raises(ImageError, match=r"a\.png: cannot be written: Permission denied$"):
        write_image(tmp_path / "a.png", _image())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


def _raise(error: Exception) -> None:
    raise error


def test_what_an_encoder_refuses_is_one_line(tmp_path: Path) -> None:
    packet = Metadata(xmp=b"x" * 70_000)
    with pytest.raises(
        ImageError, match=r"a\.jpg: cannot be written as JPEG: XMP data is too long"
    ):
        write_image(tmp_path / "a.jpg", _image(metadata=packet), metadata="keep")
    write_image(tmp_path / "a.jpg", _image(metadata=packet))
