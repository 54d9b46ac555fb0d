"""Enlarge an image as if it went on beyond its border.

Convolutions fill up with zeros, which darkens the border of an image. Continued by its mirror image
the border is far from the zeros; what they reach is cut away.
"""

# Shapes: B batch, K image channels, H W size of the LR image, s scale.

from collections.abc import Callable

from torch import Tensor

from srkit.transforms.padding import mirror_borders


def with_border(
    enlarge: Callable[[Tensor], Tensor], lr_BKHW: Tensor, border: int, *, multiple: int, scale: int
) -> Tensor:
    """Enlarge what an image is together with `border` LR pixels of its mirror image around it.

    With a border of 0 the image is enlarged as it is.

    Shape: (B, K, H, W) -> (B, K, s*H, s*W).
    """
    if not border:
        return enlarge(lr_BKHW)
    height, width = lr_BKHW.shape[-2:]
    # What comes before the image must start on the grid as tiles do.
    before = -(-border // multiple) * multiple
    first = scale * before
    rows = slice(first, first + scale * height)
    columns = slice(first, first + scale * width)
    return enlarge(mirror_borders(lr_BKHW, before, border))[..., rows, columns]
