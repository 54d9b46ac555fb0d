"""DIV2K: 800 training and 100 validation images of about 2,000 pixels, and their official LR ones.

Agustsson and Timofte, "NTIRE 2017 Challenge on Single Image Super-Resolution: Dataset and Study",
CVPR Workshops 2017; the tracks x8, mild, difficult and wild are those of NTIRE 2018. It may be
used for academic research only. The MD5 sums are those that several public loaders of the set
agree on.

Convention
    An LR image carries its HR image's number and its track: 0001x2.png, 0001x8.png, 0001x4m.png,
    0001x4d.png; the wild track has four for each training image, 0001x4w1.png to 0001x4w4.png.
"""

from dataclasses import dataclass

from srkit.errors import ConfigError
from srkit.layers.registry import lookup

ADDRESS = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A zip file of images: where it is, what it must hold, where it is unpacked."""

    name: str
    """Of the file, without `.zip`."""
    folder: str
    """Where its images are put, as its makers arranged them."""
    md5: str
    images: int


def _hr(split: str, md5: str) -> Archive:
    name = f"DIV2K_{split}_HR"
    return Archive(name=name, folder=name, md5=md5, images=800 if split == "train" else 100)


def _lr(split: str, kind: str, scale: int, md5: str) -> Archive:
    stem = f"DIV2K_{split}_LR_{kind}"
    images = 800 if split == "train" else 100
    if kind == "wild" and split == "train":
        images *= 4
    if kind in ("bicubic", "unknown"):
        return Archive(name=f"{stem}_X{scale}", folder=f"{stem}/X{scale}", md5=md5, images=images)
    return Archive(name=stem, folder=stem, md5=md5, images=images)


HR = {
    "train": _hr("train", "bdc2d9338d4e574fe81bf7d158758658"),
    "valid": _hr("valid", "9fcdda83005c5e5997799b69f955ff88"),
}

# By split, track and scale.
LR = {
    (split, kind, scale): _lr(split, kind, scale, md5)
    for split, kind, scale, md5 in (
        ("train", "bicubic", 2, "9a637d2ef4db0d0a81182be37fb00692"),
        ("train", "bicubic", 3, "ad80b9fe40c049a07a8a6c51bfab3b6d"),
        ("train", "bicubic", 4, "76c43ec4155851901ebbe8339846d93d"),
        ("train", "unknown", 2, "1396d023072c9aaeb999c28b81315233"),
        ("train", "unknown", 3, "4e651308aaa54d917fb1264395b7f6fa"),
        ("train", "unknown", 4, "e3c7febb1b3f78bd30f9ba15fe8e3956"),
        ("train", "x8", 8, "613db1b855721b3d2b26f4194a1d22a6"),
        ("train", "mild", 4, "807b3e3a5156f35bd3a86c5bbfb674bc"),
        ("train", "difficult", 4, "5a8f2b9e0c5f5ed0dac271c1293662f4"),
        ("train", "wild", 4, "d00982366bffee7c4739ba7ff1316b3b"),
        ("valid", "bicubic", 2, "1512c9a3f7bde2a1a21a73044e46b9cb"),
        ("valid", "bicubic", 3, "18b1d310f9f88c13618c287927b29898"),
        ("valid", "bicubic", 4, "21962de700c8d368c6ff83314480eff0"),
        ("valid", "unknown", 2, "d319bd9033573d21de5395e6454f34f8"),
        ("valid", "unknown", 3, "05184168e3608b5c539fbfb46bcade4f"),
        ("valid", "unknown", 4, "8ac3413102bb3d0adc67012efb8a6c94"),
        ("valid", "x8", 8, "c5aeea2004e297e9ff3abfbe143576a5"),
        ("valid", "mild", 4, "8c433f812ca532eed62c11ec0de08370"),
        ("valid", "difficult", 4, "1620af11bf82996bc94df655cb6490fe"),
        ("valid", "wild", 4, "aacae8db6bec39151ca5bb9c80bf2f6c"),
    )
}

TRACKS = tuple(dict.fromkeys(kind for _, kind, _ in LR))


def lr_archive(split: str, track: str, scale: int) -> Archive:
    """Give the archive of the official LR images of a track at a scale.

    Raises: ConfigError naming the tracks, or the scales a track has.
    """
    lookup(dict.fromkeys(TRACKS), "lr_track", track)
    if (split, track, scale) not in LR:
        scales = [str(has) for of, kind, has in LR if (of, kind) == (split, track)]
        raise ConfigError(
            f"lr_track: DIV2K's {track} track has LR images for scale {', '.join(scales)}, "
            f"not {scale}"
        )
    return LR[split, track, scale]
