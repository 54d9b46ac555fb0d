"""Colour: the studio levels of BT.601, as MATLAB and scikit-image compute them."""

import numpy as np
import pytest
import torch
from skimage import color, data
from torch import Tensor

from srkit.errors import ConfigError
from srkit.transforms.color import rgb_to_luma, rgb_to_ycbcr, ycbcr_to_rgb


def photograph() -> Tensor:
    crop = data.astronaut()[:40, :50].astype(np.float64) / 255
    return torch.from_numpy(crop).permute(2, 0, 1)[None]


def test_agrees_with_scikit_image() -> None:
    rgb = photograph()
    theirs = color.rgb2ycbcr(rgb[0].permute(1, 2, 0).numpy())
    np.testing.assert_allclose(rgb_to_ycbcr(rgb)[0].permute(1, 2, 0).numpy(), theirs, atol=1e-12)


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((1, 1, 1), (235, 128, 128)),
        ((0.5, 0.5, 0.5), (125.5, 128, 128)),
        # The columns of the standard's matrix, in MATLAB's three decimals.
        ((1, 0, 0), (16 + 65.481, 128 - 37.797, 240)),
        ((0, 1, 0), (16 + 128.553, 128 - 74.203, 128 - 93.786)),
        ((0, 0, 1), (16 + 24.966, 240, 128 - 18.214)),
    ],
)
def test_levels_of_known_colours(rgb: tuple[float, ...], ycbcr: tuple[float, ...]) -> None:
    pixel = torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1)
    assert rgb_to_ycbcr(pixel).flatten().tolist() == pytest.approx(ycbcr, abs=1e-12)
    assert rgb_to_luma(pixel).item() == pytest.approx(ycbcr[0], abs=1e-12)


def test_luma_is_the_first_of_the_three_and_is_not_rounded() -> None:
    rgb = photograph()
    luma = rgb_to_luma(rgb)
    torch.testing.assert_close(luma, rgb_to_ycbcr(rgb)[:, :1], atol=1e-12, rtol=0)
    assert (luma != luma.round()).float().mean() > 0.9


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-6), (torch.float64, 1e-13)])
def test_rgb_comes_back(dtype: torch.dtype, error: float) -> None:
    rgb = photograph().to(dtype)
    rebuilt = ycbcr_to_rgb(rgb_to_ycbcr(rgb))
    assert rebuilt.dtype == dtype
    torch.testing.assert_close(rebuilt, rgb, atol=error, rtol=0)


def test_levels_without_a_colour_leave_the_range() -> None:
    assert ycbcr_to_rgb(torch.tensor([235.0, 240.0, 240.0]).view(1, 3, 1, 1)).max() > 1.5


def test_gradients_are_right() -> None:
    rgb = torch.rand(1, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    for convert in (rgb_to_luma, rgb_to_ycbcr, ycbcr_to_rgb):
        assert torch.autograd.gradcheck(convert, (rgb,))


def test_refuses_what_has_not_three_channels() -> None:
    for convert in (rgb_to_luma, rgb_to_ycbcr, ycbcr_to_rgb):
        with pytest.raises(ConfigError, match=r"takes \(B, 3, H, W\), got \(1, 1, 2, 2\)"):
            convert(torch.zeros(1, 1, 2, 2))
