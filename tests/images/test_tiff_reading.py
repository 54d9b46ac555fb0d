"""TIFF files of other writers: tifffile's, libtiff's (inside Pillow) and OpenCV's."""

import io
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as PillowImage
from skimage import data

from srkit.errors import ImageError
from srkit.images import Image, read_image

from . import image_making as make


def _read(file: bytes) -> Image:
    return read_image(io.BytesIO(file))


def _tiff(samples: NDArray[Any], **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, samples, **{"metadata": None, **options})
    return out.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"rowsperstrip": 7},
        {"compression": "zlib", "predictor": True, "rowsperstrip": 10},
        {"tile": (16, 32)},
        {"tile": (32, 16), "compression": "zlib", "predictor": True},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "tile": (16, 16), "compression": "zlib"},
    ],
)
def test_tifffiles_files(
    dtype: Any, channels: int, alpha: bool, byteorder: Any, layout: dict[str, Any]
) -> None:
    samples = make.noise(41, 53, channels + alpha, dtype=dtype)
    if channels + alpha == 1:
        layout = {name: value for name, value in layout.items() if name != "planarconfig"}
    apart = layout.get("planarconfig") == "separate"
    arranged = np.moveaxis(samples, 2, 0) if apart else samples
    file = _tiff(
        arranged[..., 0] if channels + alpha == 1 else arranged,
        photometric="rgb" if channels == 3 else "minisblack",
        extrasamples=["unassalpha"] if alpha else None,
        byteorder=byteorder,
        **{"planarconfig": "contig" if channels + alpha > 1 else None, **layout},
    )
    image = _read(file)
    assert image.colour.dtype == dtype
    assert image.colour.dtype.isnative
    np.testing.assert_array_equal(image.colour, samples[..., :channels])
    if alpha:
        np.testing.assert_array_equal(image.alpha, samples[..., -1])
    else:
        assert image.alpha is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("bands", "photometric"),
    [(2, "minisblack"), (4, "minisblack"), (5, "minisblack"), (5, "rgb"), (13, "minisblack")],
)
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize(
    "layout",
    [
        {"planarconfig": "contig"},
        {"planarconfig": "contig", "compression": "zlib", "predictor": True, "rowsperstrip": 10},
        {"planarconfig": "contig", "tile": (16, 32), "compression": "zlib"},
        {"planarconfig": "separate", "rowsperstrip": 7},
    ],
)
def test_any_number_of_bands(
    dtype: Any, bands: int, photometric: str, byteorder: Any, layout: dict[str, Any]
) -> None:
    samples = make.noise(41, 53, bands, dtype=dtype)
    arranged = np.moveaxis(samples, 2, 0) if layout["planarconfig"] == "separate" else samples
    image = _read(_tiff(arranged, photometric=photometric, byteorder=byteorder, **layout))
    assert (image.bands, image.alpha) == (bands, None)
    assert image.colour.dtype == dtype
    np.testing.assert_array_equal(image.colour, samples)


def test_many_bands_make_few_pixels_too_many() -> None:
    """A hundred bands take as much memory as 25 images of four."""
    file = io.BytesIO(
        _tiff(make.noise(10, 20, 100), photometric="minisblack", planarconfig="contig")
    )
    with pytest.raises(ImageError, match=r"200 pixels \(20 x 10\) of 100 bands take .* 5,000") as e:
        read_image(file, max_pixels=4999)
    assert e.value.hint == "--max-pixels 5000 allows it"
    file.seek(0)
    assert read_image(file, max_pixels=5000).bands == 100


@pytest.mark.parametrize(
    "compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "tiff_deflate", None]
)
@pytest.mark.parametrize("predictor", [1, 2])
@pytest.mark.parametrize("rows", [8, 512])
def test_libtiffs_files(compression: str | None, predictor: int, rows: int) -> None:
    photograph = data.astronaut()[:300, :211]
    info = {278: rows} | (
        {317: 2} if predictor == 2 and compression not in (None, "packbits") else {}
    )
    file = make.by_pillow(photograph, "TIFF", compression=compression, tiffinfo=info)
    np.testing.assert_array_equal(_read(file).colour, photograph)


def test_opencvs_16_bit_files() -> None:
    samples = make.noise(30, 40, 3, dtype=np.uint16)
    done, file = cv2.imencode(".tiff", samples)  # LZW with predictor
    assert done
    np.testing.assert_array_equal(_read(file.tobytes()).colour, samples[..., ::-1])


@pytest.mark.parametrize("width", [8, 13, 64, 65])
def test_single_bits(width: int) -> None:
    bits = make.noise(9, width) > 127
    for compression in (None, "packbits", "tiff_lzw"):
        file = make.saved(PillowImage.fromarray(bits), "TIFF", compression=compression)
        image = _read(file)
        assert image.colour.dtype == np.uint8
        np.testing.assert_array_equal(image.colour[..., 0], np.where(bits, 255, 0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_may_be_zero(dtype: Any) -> None:
    samples = make.noise(9, 12, dtype=dtype)
    image = _read(_tiff(samples, photometric="miniswhite"))
    np.testing.assert_array_equal(image.colour[..., 0], np.iinfo(dtype).max - samples)


def test_palettes() -> None:
    picture = PillowImage.fromarray(data.astronaut()).quantize(200)
    image = _read(make.saved(picture, "TIFF"))
    np.testing.assert_array_equal(image.colour, np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_multiplied_by_alpha_are_divided_again(dtype: Any) -> None:
    maximum = int(np.iinfo(dtype).max)
    colour, alpha = make.noise(20, 20, 3, dtype=dtype), make.noise(20, 20, 1, dtype=dtype, seed=1)
    alpha[:3] = 0
    multiplied = np.rint(colour * (alpha / maximum)).astype(dtype)
    file = _tiff(
        np.concatenate([multiplied, alpha], axis=2), photometric="rgb", extrasamples=["assocalpha"]
    )
    image = _read(file)
    np.testing.assert_array_equal(image.alpha, alpha[..., 0])
    # Multiplying what came out must give the file's own samples again, up to its rounding.
    again = image.colour * (alpha / maximum)
    assert np.abs(again - multiplied).max() <= 0.51
    assert image.colour[:3].max() == 0


def test_what_comes_with_the_pixels() -> None:
    profile = make.srgb_profile()
    file = _tiff(
        make.noise(8, 8, 3),
        photometric="rgb",
        resolution=(120.0, 60.0),
        resolutionunit="CENTIMETER",
        iccprofile=profile,
        datetime="2020:01:02 03:04:05",
        extratags=[(271, 2, 0, "PublicMaker", True), (700, 1, 8, b"<x:xmp/>", True)],
    )
    image = _read(file)
    assert image.profile == profile
    assert image.metadata.dpi == pytest.approx((120 * 2.54, 60 * 2.54))
    assert image.metadata.xmp == b"<x:xmp/>"
    assert image.metadata.exif is not None
    assert b"PublicMaker" in image.metadata.exif
    assert b"2020:01:02 03:04:05" in image.metadata.exif


def test_a_smaller_copy_behind_the_picture_is_no_second_page() -> None:
    samples, out = make.noise(8, 8, 3), io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        writer.write(samples, photometric="rgb", metadata=None)
        writer.write(samples[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
    np.testing.assert_array_equal(_read(out.getvalue()).colour, samples)


def _pages() -> bytes:
    return _tiff(make.noise(3, 8, 8), photometric="minisblack")


def _jpeg_inside() -> bytes:
    return make.by_pillow(make.noise(16, 16, 3), "TIFF", compression="jpeg")


def _raw() -> bytes:
    return _tiff(
        make.noise(8, 8, 3), photometric="rgb", extratags=[(50706, 1, 4, b"\1\4\0\0", True)]
    )


@pytest.mark.parametrize(
    ("file", "says"),
    [
        pytest.param(_pages(), "several pages", id="pages"),
        pytest.param(_tiff(make.noise(8, 8).astype(np.float32)), "floating-point", id="float"),
        pytest.param(_tiff(make.noise(8, 8).astype(np.float16)), "floating-point", id="half"),
        pytest.param(_tiff(make.noise(8, 8, dtype=np.uint32)), "32-bit", id="32 bits"),
        pytest.param(_tiff(make.noise(8, 8).astype(np.int16)), "signed", id="signed"),
        pytest.param(_tiff(make.noise(8, 8, 3), photometric="cielab"), "CIELAB", id="Lab"),
        pytest.param(make.by_pillow(make.noise(8, 8, 3), "TIFF", "YCbCr"), "YCbCr", id="YCbCr"),
        pytest.param(_jpeg_inside(), "JPEG|YCbCr", id="JPEG inside"),
        pytest.param(
            make.saved(PillowImage.new("1", (8, 8)), "TIFF", compression="group4"),
            "CCITT",
            id="fax",
        ),
        pytest.param(
            _tiff(make.noise(8, 8, 4), photometric="rgb", extrasamples=["unspecified"]),
            "alpha",
            id="a fourth channel",
        ),
        pytest.param(
            _tiff(
                make.noise(8, 8, 5), photometric="rgb", extrasamples=["unspecified", "unassalpha"]
            ),
            "transparency beside 4 bands",
            id="bands and alpha",
        ),
        pytest.param(
            _tiff(make.noise(8, 8, 6), photometric="separated", planarconfig="contig"),
            "2 channels",
            id="six channels",
        ),
        pytest.param(_raw(), "preview", id="camera raw"),
        pytest.param(
            _tiff(make.noise(8, 8, 3), photometric="rgb", subfiletype=1), "preview", id="preview"
        ),
        pytest.param(_tiff(make.noise(8, 8, 3), photometric="rgb", bigtiff=True), "Big", id="big"),
        pytest.param(_tiff(make.noise(64, 64))[:2000], "damaged", id="cut short"),
        pytest.param(b"II*\0", "damaged", id="signature alone"),
        pytest.param(b"MM\0*\0\0\0\x08\0\0\0\0\0\0", "damaged", id="no tags"),
    ],
)
def test_refuses(file: bytes, says: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImageError, match=says) as caught:
        _read(file)
    assert str(caught.value).startswith("<stream>: ")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate"])
def test_strips_that_unpack_to_more_than_their_pixels(compression: str) -> None:
    # 200,000 rows of a strip packed, of which the tags then claim only four.
    file = bytearray(
        make.by_pillow(
            np.zeros((20000, 200), np.uint8), "TIFF", compression=compression, tiffinfo={278: 20000}
        )
    )
    with tifffile.TiffFile(io.BytesIO(file)) as tiff:
        tags = tiff.pages.first.tags
        for tag in (257, 278):
            place = tags[tag].valueoffset
            file[place : place + 2] = (4).to_bytes(2, "little")
    assert _read(bytes(file)).colour.shape == (4, 200, 1)
