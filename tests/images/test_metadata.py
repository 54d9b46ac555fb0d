"""What of a file's metadata goes into the next one (promise P18)."""

import io
import struct
import zlib
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageFile, IptcImagePlugin

from srkit.images import Image, Metadata, MetadataPolicy, read_image, write_image
from srkit.images import exif as ex

from . import image_making as make

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"'
    b' exif:PixelXDimension="4000" exif:GPSLatitude="48,51.49N">'
    b"<exif:PixelYDimension>3000</exif:PixelYDimension>SecretPacket</rdf:Description></x:xmpmeta>"
)
IPTC = b"\x1c\x02\x69\x00\x0eSecretHeadline"
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".webp": "WEBP", ".tif": "TIFF"}
SECRETS = [b"Secret", b"GPSLatitude"]
PUBLIC = ["PublicMaker", "PublicModel", "2021:02:03 04:05:06"]


def _source(suffix: str, orientation: int = 1) -> bytes:
    """A file as a camera and its owner leave it, made without srkit."""
    picture = PillowImage.fromarray(make.smooth(24, 40))
    common = {"exif": make.exif_block(orientation), "icc_profile": make.srgb_profile()}
    if suffix == ".png":
        text = [
            (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
            (b"tEXt", b"Author\0SecretAuthor"),
            (b"zTXt", b"Comment\0\0" + zlib.compress(b"SecretText")),
        ]
        rest = [
            (b"iCCP", b"x\0\0" + zlib.compress(make.srgb_profile())),
            (b"pHYs", struct.pack(">IIB", 9449, 9449, 1)),
            (b"eXIf", make.exif_block(orientation)[6:]),
        ]
        return make.png_of(np.asarray(picture), make.RGB, before=[*rest, *text])
    if suffix == ".jpg":
        resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC)) + IPTC + b"\0"
        body = b"Photoshop 3.0\0" + resource
        segment = b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
        options = {"comment": b"SecretComment", "extra": segment, "xmp": XMP, "dpi": (240, 240)}
        return make.saved(picture, "JPEG", **common, **options)
    if suffix == ".webp":
        return make.saved(picture, "WEBP", xmp=XMP, **common)
    exif = PillowImage.Exif()
    exif.load(make.exif_block(orientation))
    exif[700], exif[33723] = XMP, IPTC
    return make.saved(picture, "TIFF", exif=exif, icc_profile=make.srgb_profile())


def _through(
    tmp_path: Path, source: str, target: str, policy: MetadataPolicy, orientation: int = 1
) -> tuple[bytes, PillowImage.Image]:
    """Read, enlarge by two, write; give the file's bytes and what Pillow sees in them."""
    image = read_image(io.BytesIO(_source(source, orientation)))
    larger = image.colour.repeat(2, axis=0).repeat(2, axis=1)
    image = Image(colour=larger, profile=image.profile, metadata=image.metadata)
    path = tmp_path / f"a{target}"
    write_image(path, image, metadata=policy)
    return path.read_bytes(), PillowImage.open(path)


def _plain(file: bytes) -> bytes:
    """The file, with its packed text unpacked beside it."""
    out, place = file, file.find(b"zTXt")
    if place >= 0:
        out += zlib.decompressobj().decompress(file[place + 4 :].split(b"\0\0", 1)[1])
    return out


@pytest.mark.parametrize("source", FORMATS)
def test_the_sources_are_full_of_secrets(source: str) -> None:
    assert all(secret in _plain(_source(source)) for secret in SECRETS)


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_private_keeps_date_camera_and_resolution_and_tells_nothing_else(
    tmp_path: Path, source: str, target: str
) -> None:
    file, picture = _through(tmp_path, source, target, "private")
    assert not [secret for secret in SECRETS if secret in _plain(file)]
    exif = picture.getexif()
    assert [exif[0x010F], exif[0x0110], exif[0x0132]] == PUBLIC
    camera = exif.get_ifd(0x8769)
    assert camera[0x9003] == "2020:01:02 03:04:05"
    assert camera[0x8827] == 400
    assert camera[0x829D] == pytest.approx(2.8)
    assert camera[0xA434] == "PublicLens"
    assert not exif.get_ifd(0x8825)
    assert exif[0x011A] == pytest.approx(240, abs=0.02)
    assert picture.info["icc_profile"] == make.srgb_profile()


@pytest.mark.parametrize("target", FORMATS)
def test_private_is_the_default(tmp_path: Path, target: str) -> None:
    image = read_image(io.BytesIO(_source(".jpg")))
    write_image(tmp_path / f"a{target}", image)
    assert b"Secret" not in (tmp_path / f"a{target}").read_bytes()


@pytest.mark.parametrize("format_", FORMATS)
def test_keep_keeps_everything_within_a_format(tmp_path: Path, format_: str) -> None:
    file, picture = _through(tmp_path, format_, format_, "keep")
    exif = picture.getexif()
    assert exif[0x013B] == "SecretArtist"
    assert exif[0x8298] == "SecretCopyright"
    camera = exif.get_ifd(0x8769)
    assert camera[0x927C] == b"SecretMakerNote"
    assert camera[0xA431] == "SecretSerial"
    place = exif.get_ifd(0x8825)
    assert place[1] == "N"
    assert [float(value) for value in place[2]] == pytest.approx([48, 51, 29.5])
    assert b"SecretPacket" in file
    if format_ == ".png":
        picture.load()
        text = getattr(picture, "text")  # noqa: B009 - only PNG's class has it
        assert text["Author"] == "SecretAuthor"
        assert text["Comment"] == "SecretText"
    if format_ == ".jpg":
        assert picture.info["comment"] == b"SecretComment"
    if format_ in (".jpg", ".tif"):
        records = IptcImagePlugin.getiptcinfo(cast(ImageFile.ImageFile, picture))
        assert records is not None
        assert records[(2, 105)] == b"SecretHeadline"


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_keep_carries_exif_and_xmp_between_formats(
    tmp_path: Path, source: str, target: str
) -> None:
    file, picture = _through(tmp_path, source, target, "keep")
    assert picture.getexif().get_ifd(0x8825)[29] == "SecretPlace"
    assert b"SecretPacket" in file


@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_strip_leaves_the_profile_alone(tmp_path: Path, source: str, target: str) -> None:
    file, picture = _through(tmp_path, source, target, "strip")
    assert not [word for word in (b"Secret", b"Public", b"2020:", b"2021:") if word in _plain(file)]
    assert picture.info["icc_profile"] == make.srgb_profile()
    assert read_image(tmp_path / f"a{target}").metadata.dpi is None


@pytest.mark.parametrize("policy", ["private", "keep"])
@pytest.mark.parametrize("source", FORMATS)
@pytest.mark.parametrize("target", FORMATS)
def test_sizes_and_orientation_are_those_of_the_new_file(
    tmp_path: Path, source: str, target: str, policy: MetadataPolicy
) -> None:
    file, picture = _through(tmp_path, source, target, policy, orientation=6)
    assert picture.size == (48, 80)
    exif = picture.getexif()
    assert exif[0x0112] == 1
    assert (exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003]) == (48, 80)
    if policy == "keep":
        assert b'tiff:Orientation="1"' in file
        assert b'exif:PixelXDimension="48"' in file
        assert b"<exif:PixelYDimension>80<" in file


def test_the_thumbnail_goes(tmp_path: Path) -> None:
    # A second directory with a JPEG file in it, behind the first.
    first = struct.pack(">HHHI4sI", 1, 0x0112, 3, 1, b"\0\1\0\0", 26)
    second = struct.pack(">HHHIIHHIII", 2, 0x0201, 4, 1, 56, 0x0202, 4, 1, 14, 0)
    block = b"MM\0*\0\0\0\x08" + first + second + b"SecretThumbnail"[:14]
    file = make.by_pillow(make.smooth(8, 8), "JPEG", exif=b"Exif\0\0" + block)
    for policy in ("private", "keep"):
        write_image(tmp_path / "a.jpg", read_image(io.BytesIO(file)), metadata=policy)
        assert b"SecretThumb" not in (tmp_path / "a.jpg").read_bytes()


@pytest.mark.parametrize("suffix", [*FORMATS, ".bmp"])
def test_resolution_is_kept_without_exif_too(tmp_path: Path, suffix: str) -> None:
    image = Image(colour=make.smooth(8, 8), metadata=Metadata(dpi=(300, 72)))
    write_image(tmp_path / f"a{suffix}", image)
    assert read_image(tmp_path / f"a{suffix}").metadata.dpi == pytest.approx((300, 72), abs=0.02)
    with PillowImage.open(tmp_path / f"a{suffix}") as picture:
        exif = picture.getexif()
        seen = picture.info.get("dpi") or (exif.get(0x011A), exif.get(0x011B))
        assert [float(value or 0) for value in seen] == pytest.approx([300, 72], abs=0.02)


@pytest.mark.parametrize("dpi", [(0.001, 0.001), (1e9, 1e9), (65536, 3)])
@pytest.mark.parametrize("suffix", [*FORMATS, ".bmp"])
def test_absurd_resolutions_spoil_nothing(
    tmp_path: Path, suffix: str, dpi: tuple[float, float]
) -> None:
    image = Image(colour=make.smooth(8, 8), metadata=Metadata(dpi=dpi, exif=make.exif_block()[6:]))
    write_image(tmp_path / f"a{suffix}", image)
    assert read_image(tmp_path / f"a{suffix}").colour.shape == (8, 8, 3)


@pytest.mark.parametrize("order", ["<", ">"])
def test_blocks_of_both_byte_orders_come_apart_and_together(order: ex.ByteOrder) -> None:
    block = ex.Exif(order)
    block.root.entries[0x010F] = ex.Entry(2, b"Maker\0")
    block.root.entries[0x0112] = block.short(3)
    inside = ex.Directory({0x9003: ex.Entry(2, b"2020:01:02 03:04:05\0")})
    block.root.inside[ex.CAMERA] = inside
    again = PillowImage.Exif()
    again.load(ex.pack(block))
    assert (again[0x010F], again[0x0112]) == ("Maker", 3)
    assert again.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    assert ex.parse(ex.pack(block)) == block
    assert ex.parse(b"Exif\0\0" + ex.pack(block)) == block


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"II*\0", b"II*\0\xff\xff\xff\xff", b"nothing"]
)
def test_what_is_no_block_is_none(block: bytes) -> None:
    assert ex.parse(block) is None


def test_a_block_that_claims_itself_a_thousand_times_stays_small() -> None:
    # Each entry says that its value is the 60,000 bytes of the block.
    entries = b"".join(struct.pack("<HHII", 0x1000 + k, 7, 60_000, 0) for k in range(4_900))
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 4_900) + entries + bytes(2_000)
    parsed = ex.parse(block)
    assert parsed is not None
    assert sum(len(entry.data) for entry in parsed.root.entries.values()) <= 16_000_000
    assert parsed.root.lost
