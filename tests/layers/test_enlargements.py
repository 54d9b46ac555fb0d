"""The enlargements that models start from are what they are called."""

import pytest
import torch
import torch.nn.functional as F

from srkit.layers.bicubic import BicubicEnlargement
from srkit.layers.bilinear import LearnedDoubling
from srkit.transforms.resize import imresize

SIZES = [(1, 1), (2, 3), (7, 12)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_bicubic_enlargement_is_matlabs(scale: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    image = torch.rand(2, 3, *size)
    expected = imresize(image, scale=scale, border="repeat")
    torch.testing.assert_close(BicubicEnlargement(scale)(image), expected, atol=1e-6, rtol=0)


def test_bicubic_enlargement_is_exact_under_autocast() -> None:
    image = torch.rand(1, 3, 5, 4)
    enlarge = BicubicEnlargement(2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        enlarged = enlarge(image)
    torch.testing.assert_close(enlarged, enlarge(image), atol=0, rtol=0)


@pytest.mark.parametrize("size", SIZES)
def test_a_doubling_starts_as_bilinear_interpolation(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    image = torch.rand(2, 3, *size)
    expected = F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(LearnedDoubling(3)(image), expected, atol=1e-6, rtol=0)
