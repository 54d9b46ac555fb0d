"""Colours that have to change, by way of their ICC profiles, with Little CMS."""

# Shapes: H W height and width.

import io

from PIL import Image as PillowImage
from PIL import ImageCms

from srkit.images.image import Refused, Samples
from srkit.images.pillow_pixels import pixels_of, to_pillow

_SPACE = slice(16, 20)  # where an ICC profile's header says what numbers it is about


def cmyk_to_rgb(picture: PillowImage.Image, profile: bytes | None) -> Samples:
    """Turn printing inks into sRGB: as the profile says, or by plain subtraction without one.

    Shape: Pillow's mode CMYK -> (H, W, 3) uint8.
    Raises: Refused when the profile is not one for CMYK or cannot be used.
    """
    if profile is None:
        return pixels_of(picture.convert("RGB"))
    if profile[_SPACE] != b"CMYK":
        raise Refused("its colours are CMYK, but its colour profile is not")
    return pixels_of(_to_srgb(picture, profile))


def to_srgb(colour: Samples, profile: bytes) -> Samples:
    """Give the same colours for a file that cannot hold their profile.

    Shape: (H, W, 1 or 3) uint8 -> (H, W, 3) uint8.
    Raises: Refused when the profile does not fit the channels or cannot be used.
    """
    picture = to_pillow(colour)
    if profile[_SPACE] != {"L": b"GRAY", "RGB": b"RGB "}[picture.mode]:
        # Common, and harmless: a gray picture with the RGB profile of the camera it came from.
        if picture.mode != "L" or profile[_SPACE] != b"RGB ":
            raise Refused("its colour profile is for another kind of image")
        picture = picture.convert("RGB")
    return pixels_of(_to_srgb(picture, profile))


def _to_srgb(picture: PillowImage.Image, profile: bytes) -> PillowImage.Image:
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            # Without it, the deepest ink, which is not black, would come out gray.
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError) as error:
        raise Refused("its colour profile cannot be used") from error
    if converted is None:  # only when converting in place, which this does not
        raise Refused("its colour profile cannot be used")
    return converted
