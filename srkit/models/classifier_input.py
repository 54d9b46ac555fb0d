"""What a classifier is given of an image: all of it, in a square of the network's size."""

# Shapes: H W height and width, K bands, S side of the square.

from srkit.images import from_tensor, to_tensor
from srkit.images.image import Samples
from srkit.transforms.resize import imresize


def squared(image_HWK: Samples, side: int) -> Samples:
    """Resize an image to a square, whatever its proportions: bicubic, with antialias.

    Shape: (H, W, K) uint8 or uint16 -> (S, S, K) of the same type.
    """
    if image_HWK.shape[:2] == (side, side):
        return image_HWK
    return from_tensor(imresize(to_tensor(image_HWK), size=(side, side)), image_HWK.dtype)
