"""Crops are where the detail is, and show what validation scores."""

import numpy as np
import pytest
import torch

from srkit.data.pairs import Pair, bicubic
from srkit.evaluation.metrics import measure
from srkit.images import from_tensor, to_tensor
from srkit.images.image import Samples
from srkit.inference.upscaler import upscale_tensor
from srkit.models import build_model
from srkit.models.model import Model
from srkit.training.samples import choose_crops, render


def pair_of(hr: Samples, scale: int, name: str = "one.png") -> Pair:
    lr = hr if scale == 1 else bicubic(hr, 1 / scale)
    return Pair(name=name, scale=scale, lr=lr, hr=hr)


def large(photograph: Samples, side: int = 512) -> Samples:
    """A flat picture with a photograph in it, 128 pixels wide, at (256, 320)."""
    image = np.full((side, side, 3), 128, photograph.dtype)
    image[256:384, 320:448] = photograph
    return image


def model_of(name: str, scale: int) -> Model:
    torch.manual_seed(0)
    settings = {"lpae": {}, "lpsr": {"features": 8, "blocks": 1}}.get(
        name, {"features": 8, "blocks": 1, "scale": scale}
    )
    return build_model(name, settings)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
def test_the_crop_is_where_the_detail_is(photograph: Samples, scale: int) -> None:
    hr = large(photograph)[: 512 // scale * scale, : 512 // scale * scale]
    (crop,) = choose_crops([pair_of(hr, scale)])
    assert 32 <= crop.height == crop.width <= 96
    assert crop.top % 8 == crop.left % 8 == 0
    top, bottom = crop.top * scale, (crop.top + crop.height) * scale
    left, right = crop.left * scale, (crop.left + crop.width) * scale
    seen = max(0, min(bottom, 384) - max(top, 256)) * max(0, min(right, 448) - max(left, 320))
    assert seen > 0.7 * min(128**2, (bottom - top) * (right - left))


def test_an_image_smaller_than_a_crop_is_shown_whole(photograph: Samples) -> None:
    hr = photograph[:60, :96]
    (crop,) = choose_crops([pair_of(hr, 4)])
    assert (crop.top, crop.left, crop.height, crop.width) == (0, 0, 15, 24)
    (sample,) = render(model_of("sr_network", 4), [crop])
    np.testing.assert_array_equal(sample.panels["HR"], hr)


def test_a_flat_image_has_a_crop_too() -> None:
    (crop,) = choose_crops([pair_of(np.zeros((300, 400, 3), np.uint8), 2)])
    assert (crop.top, crop.left) == (0, 0)


def test_at_most_four_images_spread_over_the_set(photograph: Samples) -> None:
    for count, names in ((1, "a"), (3, "abc"), (5, "abcd"), (8, "aceg")):
        pairs = [pair_of(photograph, 2, name) for name in "abcdefgh"[:count]]
        assert "".join(crop.pair.name for crop in choose_crops(pairs)) == names


def test_no_images_no_crops() -> None:
    assert choose_crops([]) == []


@pytest.mark.parametrize(
    ("name", "scale"), [("sr_network", 2), ("sr_network", 3), ("sr_network", 4), ("lpsr", 2)]
)
def test_panels_show_what_the_whole_image_becomes(
    photograph: Samples, name: str, scale: int
) -> None:
    model = model_of(name, scale)
    hr = large(photograph)[: 512 // scale * scale, : 512 // scale * scale]
    pair = pair_of(hr, scale)
    (crop,) = choose_crops([pair])
    (sample,) = render(model, [crop])
    assert list(sample.panels) == ["LR", "bicubic", "model", "HR"]
    rows = slice(crop.top * scale, (crop.top + crop.height) * scale)
    columns = slice(crop.left * scale, (crop.left + crop.width) * scale)
    whole = from_tensor(upscale_tensor(model, to_tensor(pair.lr), tile=0), np.uint8)
    # Sums run in another order on another size of image.
    difference = sample.panels["model"].astype(int) - whole[rows, columns]
    assert np.abs(difference).max() <= 1
    np.testing.assert_array_equal(sample.panels["HR"], hr[rows, columns])
    np.testing.assert_array_equal(sample.panels["bicubic"], bicubic(pair.lr, scale)[rows, columns])
    lr = pair.lr[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    np.testing.assert_array_equal(sample.panels["LR"][::scale, ::scale], lr)
    np.testing.assert_array_equal(sample.panels["LR"][scale - 1 :: scale, scale - 1 :: scale], lr)


def test_a_model_that_looks_at_everything_gets_everything(photograph: Samples) -> None:
    torch.manual_seed(0)
    settings = {"features": 8, "blocks": 1, "scale": 2, "attention": "eca"}
    model = build_model("sr_network", settings)
    assert model.receptive_field is None
    pair = pair_of(large(photograph), 2)
    (crop,) = choose_crops([pair])
    (sample,) = render(model, [crop])
    whole = from_tensor(upscale_tensor(model, to_tensor(pair.lr), tile=0), np.uint8)
    top, left = 2 * crop.top, 2 * crop.left
    seen = whole[top : top + 2 * crop.height, left : left + 2 * crop.width]
    np.testing.assert_array_equal(sample.panels["model"], seen)


def test_an_autoencoder_is_shown_beside_its_input(photograph: Samples) -> None:
    (crop,) = choose_crops([pair_of(photograph, 1)])
    (sample,) = render(model_of("lpae", 1), [crop])
    assert list(sample.panels) == ["model", "HR"]
    assert {panel.shape for panel in sample.panels.values()} == {(96, 96, 3)}


@pytest.mark.parametrize(("name", "scale"), [("sr_network", 2), ("lpae", 1)])
def test_psnr_is_that_of_the_protocol_without_its_border(
    photograph: Samples, name: str, scale: int
) -> None:
    (sample,) = render(model_of(name, scale), choose_crops([pair_of(photograph, scale)]))
    border = ((scale, scale), (scale, scale), (0, 0))
    model, hr = (np.pad(sample.panels[key], border) for key in ("model", "HR"))
    protocol = "sr-rgb" if scale == 1 else "sr-y"
    expected = measure(model, hr, scale=scale, protocol=protocol).psnr
    assert sample.psnr["model"] == pytest.approx(expected, abs=1e-3)


def test_sixteen_bits_are_shown_in_eight(photograph: Samples) -> None:
    deep: Samples = photograph.astype(np.uint16) * 257
    model = model_of("sr_network", 2)
    (shallow_sample,) = render(model, choose_crops([pair_of(photograph, 2)]))
    (sample,) = render(model, choose_crops([pair_of(deep, 2)]))
    np.testing.assert_array_equal(sample.panels["HR"], photograph)
    # LR images of 16 bits are rounded to finer levels, which enlarging makes the most of.
    for key, panel in sample.panels.items():
        assert panel.dtype == np.uint8
        difference = panel.astype(int) - shallow_sample.panels[key]
        assert np.abs(difference).max() <= (1 if key == "LR" else 5)
    assert sample.psnr["model"] == pytest.approx(shallow_sample.psnr["model"], abs=0.05)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_stays_as_it_was(photograph: Samples, training: bool) -> None:
    model = model_of("sr_network", 2).train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    first, second = (render(model, choose_crops([pair_of(photograph, 2)])) for _ in range(2))
    assert all(module.training == training for module in model.modules())
    assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(first[0].panels["model"], second[0].panels["model"])
    assert all(weight.requires_grad for weight in model.parameters())
