"""One image: depth, gray, alpha, any size, and what travels along."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from srkit.errors import ConfigError, SrkitError
from srkit.images import Image, Metadata
from srkit.images.image import Samples
from srkit.inference.bicubic import BicubicEnlarger
from srkit.inference.tile_runner import Tiling
from srkit.inference.upscaler import Alpha, upscale_image
from srkit.transforms.resize import imresize

from .networks import Convolutions, Repeat, WholeImage
from .test_alpha import noise

TILED = Tiling(tile=8)


def blocks(pixels: Samples, scale: int) -> Samples:
    """What `Repeat` makes of an image, by numpy."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def resized(pixels: Samples, size: tuple[int, int]) -> Samples:
    """Bicubic, in one piece."""
    most = np.iinfo(pixels.dtype).max
    floats = torch.from_numpy(pixels.astype(np.float64) / most).permute(2, 0, 1)[None]
    out = imresize(floats, size=size).clamp(0, 1).mul(most).round()
    return out[0].permute(1, 2, 0).numpy().astype(pixels.dtype)


def off_by_at_most_one(a: Samples, b: Samples) -> bool:
    return bool(np.abs(a.astype(int) - b.astype(int)).max() <= 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (17, 29)])
def test_every_sample_survives(dtype: type, bands: int, size: tuple[int, int]) -> None:
    image = Image(colour=noise(*size, bands, dtype=dtype))
    enlarged = upscale_image([Repeat()], image, scale=2, tiling=TILED)
    assert enlarged.colour.dtype == dtype
    assert np.array_equal(enlarged.colour, blocks(image.colour, 2))
    assert enlarged.alpha is None


def test_all_sixteen_bit_levels_survive() -> None:
    image = Image(colour=np.arange(65536, dtype=np.uint16).reshape(256, 256, 1))
    enlarged = upscale_image([Repeat(channels=1)], image, scale=2)
    assert np.array_equal(enlarged.colour, blocks(image.colour, 2))


def test_gray_goes_through_an_rgb_model_as_three_equals_and_comes_back_as_their_mean() -> None:
    network = Repeat(hook=lambda _, x: x * torch.tensor([0.2, 0.5, 0.8])[None, :, None, None])
    image = Image(colour=np.full((4, 4, 1), 200, np.uint8))
    enlarged = upscale_image([network], image, scale=2)
    assert enlarged.colour.shape == (8, 8, 1)
    assert (enlarged.colour == 100).all()


def test_tiles_do_not_show_in_the_pixels() -> None:
    network = Convolutions(scale=2)
    image = Image(colour=noise(33, 45, 3))
    whole = upscale_image([network], image, scale=2, tiling=Tiling(tile=0))
    tiled = upscale_image([network], image, scale=2, tiling=TILED)
    assert off_by_at_most_one(whole.colour, tiled.colour)
    assert (whole.colour != tiled.colour).mean() <= 1e-4


@pytest.mark.parametrize(
    ("scales", "scale", "calls"),
    [([2, 4], 2, 1), ([2, 4], 4, 1), ([2, 4], 8, 2), ([4, 2], 16, 2), ([2], 16, 4), ([3], 9, 2)],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_chains_reach_every_power(
    scales: Sequence[int], scale: int, calls: int, dtype: type
) -> None:
    networks = [Repeat(scale=s) for s in scales]
    image = Image(colour=noise(5, 7, 3, dtype=dtype))
    enlarged = upscale_image(networks, image, scale=scale)
    assert np.array_equal(enlarged.colour, blocks(image.colour, scale))
    assert sum(len(network.shapes) for network in networks) == calls


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("scale", "by"), [(1.5, 2), (2.6, 4), (4.5, 8), (1.01, 2)])
def test_other_scales_are_shrunk_from_the_next_larger_one(
    bands: int, dtype: type, scale: float, by: int
) -> None:
    image = Image(colour=noise(14, 21, bands, dtype=dtype))
    enlarged = upscale_image([Repeat(scale=2), Repeat(scale=4)], image, scale=scale, tiling=TILED)
    size = int(14 * scale + 0.5), int(21 * scale + 0.5)
    assert enlarged.colour.shape == (*size, bands)
    assert enlarged.colour.dtype == dtype
    assert off_by_at_most_one(enlarged.colour, resized(blocks(image.colour, by), size))


def test_a_size_may_change_the_shape() -> None:
    image = Image(colour=noise(10, 10, 3), alpha=noise(10, 10))
    enlarged = upscale_image([Repeat()], image, size=(15, 20))
    assert enlarged.colour.shape == (15, 20, 3)
    assert enlarged.alpha is not None
    assert enlarged.alpha.shape == (15, 20)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("scale", [2, 1.5, 8])
def test_alpha_is_enlarged_bicubic(dtype: type, scale: float) -> None:
    image = Image(colour=noise(19, 26, 3, dtype=dtype), alpha=noise(19, 26, dtype=dtype))
    enlarged = upscale_image([Repeat()], image, scale=scale, tiling=TILED)
    assert image.alpha is not None
    assert enlarged.alpha is not None
    assert enlarged.alpha.dtype == dtype
    wanted = resized(image.alpha[..., None], enlarged.colour.shape[:2])[..., 0]
    assert off_by_at_most_one(enlarged.alpha, wanted)


def test_alpha_by_the_model() -> None:
    image = Image(colour=noise(9, 12, 3), alpha=noise(9, 12) | np.uint8(1))
    enlarged = upscale_image([Repeat()], image, scale=2, alpha="model")
    assert image.alpha is not None
    assert enlarged.alpha is not None
    assert np.array_equal(enlarged.alpha, blocks(image.alpha, 2))


def test_alpha_dropped_shows_the_colours_as_they_are_stored() -> None:
    image = Image(colour=noise(9, 12, 3), alpha=np.eye(9, 12, dtype=np.uint8))
    enlarged = upscale_image([Repeat()], image, scale=2, alpha="drop")
    assert enlarged.alpha is None
    assert np.array_equal(enlarged.colour, blocks(image.colour, 2))


@pytest.mark.parametrize("alpha", ["model", "bicubic"])
@pytest.mark.parametrize("value", [0, 3, 65535])
def test_constant_alpha_stays_so_without_work(alpha: Alpha, value: int) -> None:
    mask = np.full((9, 12), value, np.uint16)
    image = Image(colour=noise(9, 12, 3, dtype=np.uint16), alpha=mask)
    network = Repeat()
    enlarged = upscale_image([network], image, scale=1.5, alpha=alpha)
    assert enlarged.alpha is not None
    assert enlarged.alpha.dtype == np.uint16
    assert (enlarged.alpha == value).all()
    assert len(network.shapes) == 1


def test_a_white_disc_on_transparent_black_gets_no_dark_fringe() -> None:
    rows, columns = np.mgrid[:40, :40]
    disc = np.hypot(rows - 19.5, columns - 19.5) < 12
    alpha = np.where(disc, 255, 0).astype(np.uint8)
    image = Image(
        colour=np.where(disc[..., None], 255, 0).astype(np.uint8).repeat(3, 2), alpha=alpha
    )
    # Bicubic stands for any model that mixes neighbours.
    enlarged = upscale_image([BicubicEnlarger(4, image_channels=3)], image, scale=4)
    assert enlarged.alpha is not None
    assert (enlarged.colour[enlarged.alpha > 0] == 255).all()


def test_what_belongs_to_the_image_travels_along() -> None:
    image = Image(
        colour=noise(4, 4, 3), profile=b"icc", metadata=Metadata(exif=b"II", dpi=(300.0, 300.0))
    )
    enlarged = upscale_image([Repeat()], image, scale=2)
    assert enlarged.profile == b"icc"
    assert enlarged.metadata == image.metadata


@pytest.mark.parametrize("alpha", ["model", "bicubic"])
def test_progress_counts_over_all_passes(alpha: Alpha) -> None:
    seen: list[tuple[int, int]] = []
    image = Image(colour=noise(10, 20, 3), alpha=noise(10, 20))
    upscale_image(
        [Repeat()],
        image,
        scale=4,
        alpha=alpha,
        tiling=Tiling(tile=10),
        progress=lambda *at: seen.append(at),
    )
    total = (2 + 8) * (2 if alpha == "model" else 1)
    assert {at[1] for at in seen} == {total}
    assert seen == sorted(seen)
    assert seen[-1] == (total, total)


def test_tiles_that_are_approximate_are_announced() -> None:
    said: list[str] = []
    image = Image(colour=noise(50, 50, 3))
    for tile in (None, 0, 50):
        upscale_image([WholeImage()], image, scale=2, tiling=Tiling(tile=tile), notice=said.append)
    assert said == []
    upscale_image([WholeImage()], image, scale=2, tiling=Tiling(tile=25), notice=said.append)
    upscale_image(
        [Convolutions()], image, scale=2, tiling=Tiling(tile=25, halo=1), notice=said.append
    )
    assert [line.split(":")[0] for line in said] == ["approximate", "approximate"]


@pytest.mark.parametrize(
    ("networks", "options", "message"),
    [
        ([Repeat(channels=1)], {"scale": 2}, "the image has 3 bands, the model takes 1"),
        ([Repeat(scale=1)], {"scale": 2}, "it does not enlarge"),
        ([], {"scale": 2}, "it does not enlarge"),
        ([Repeat()], {}, "either a scale or a size"),
        ([Repeat()], {"scale": 2, "size": (20, 20)}, "either a scale or a size"),
        ([Repeat()], {"scale": 17}, "at most 16, got 17"),
        ([Repeat()], {"size": (9, 20)}, "cannot enlarge 10x10 pixels to 20x9"),
        ([Repeat()], {"size": (10, 161)}, "cannot enlarge 10x10 pixels to 161x10"),
        ([Repeat()], {"scale": 2, "alpha": "no"}, "unknown alpha 'no'"),
        ([Repeat()], {"scale": 2, "max_pixels": 399}, "400, over the limit of 399"),
        ([Repeat()], {"scale": 3, "max_pixels": 1599}, "enlarged 4 times.*1,600, over the limit"),
    ],
)
def test_what_cannot_be_done_is_refused(
    networks: list[nn.Module], options: dict[str, object], message: str
) -> None:
    image = Image(colour=noise(10, 10, 3))
    with pytest.raises(SrkitError, match=message):
        upscale_image(networks, image, **options)  # type: ignore[arg-type]
    assert not any(network.shapes for network in networks if isinstance(network, Repeat))


def test_the_limit_itself_is_allowed() -> None:
    enlarged = upscale_image([Repeat()], Image(colour=noise(10, 10, 3)), scale=2, max_pixels=400)
    assert enlarged.height == 20


def test_refusals_of_options_are_config_errors() -> None:
    with pytest.raises(ConfigError):
        upscale_image([Repeat()], Image(colour=noise(2, 2, 3)), scale=0.5)
