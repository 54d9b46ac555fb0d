"""LapSRN and MS-LapSRN enlarge octave by octave, as their papers say."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from srkit.errors import ConfigError
from srkit.models import build_model
from srkit.models.lapsrn import LapSRN, ProgressiveModel
from srkit.models.ms_lapsrn import MSLapSRN

SMALL: dict[str, Any] = {"features": 6, "convolutions": 2, "scale": 4}


def _built(name: str, **settings: Any) -> ProgressiveModel:
    torch.manual_seed(0)
    model = build_model(name, {**SMALL, **settings}).double()
    assert isinstance(model, ProgressiveModel)
    for weight in model.parameters():
        weight.data = 0.2 * torch.randn_like(weight)
    return model


def _twice(image: Tensor, kernel: Tensor) -> Tensor:
    """Spread every pixel with a 4x4 kernel, two apart; the border is repeated."""
    spread = F.conv_transpose2d(
        F.pad(image, (1, 1, 1, 1), mode="replicate"), kernel, stride=2, groups=image.shape[1]
    )
    return spread[..., 3:-3, 3:-3]


@pytest.mark.parametrize("name", ["lapsrn", "ms_lapsrn"])
def test_starts_from_bilinear_interpolation(name: str) -> None:
    model = build_model(name, SMALL)
    lr = torch.rand(1, 3, 5, 4)
    expected = lr
    for _ in range(2):
        expected = F.interpolate(expected, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(model(lr), expected, atol=1e-6, rtol=0)


def test_lapsrn_has_weights_of_its_own_in_each_octave() -> None:
    model = _built("lapsrn")
    assert isinstance(model, LapSRN)
    lr = torch.rand(1, 3, 5, 4, dtype=torch.float64)
    weights = dict(model.named_parameters())
    features = F.leaky_relu(F.conv2d(lr, weights.pop("enter.0.weight"), padding=1), 0.2)
    image, images = lr, []
    for octave in range(2):
        layers = {
            name.removeprefix(f"octaves.{octave}."): weight
            for name, weight in weights.items()
            if name.startswith(f"octaves.{octave}.")
        }
        for place in (0, 2):
            kernel = layers.pop(f"embed.{place}.weight")
            features = F.leaky_relu(F.conv2d(features, kernel, padding=1), 0.2)
        kernel = layers.pop("embed.4.weight")
        spread = F.conv_transpose2d(features, kernel, stride=2)[..., 1:, 1:]
        features = F.leaky_relu(spread, 0.2)
        detail = F.conv2d(features, layers.pop("detail.weight"), padding=1)
        image = _twice(image, layers.pop("enlarge.spread.weight")) + detail
        images.append(image)
        assert not layers
    for given, expected in zip(model.progress(lr), images, strict=True):
        torch.testing.assert_close(given, expected)
    torch.testing.assert_close(model(lr), images[-1])


def test_ms_lapsrn_repeats_one_block_and_adds_what_the_octave_started_from() -> None:
    model = _built("ms_lapsrn", recursions=3)
    assert isinstance(model, MSLapSRN)
    lr = torch.rand(1, 3, 5, 4, dtype=torch.float64)
    state = model.state_dict()

    def convolve(x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    features, image, images = convolve(lr, "enter"), lr, []
    for _ in range(2):
        source = features
        for _ in range(3):
            for layer in ("block.1", "block.3"):
                features = convolve(F.leaky_relu(features, 0.2), layer)
            features = features + source
        kernel, bias = state["spread.1.weight"], state["spread.1.bias"]
        features = F.conv_transpose2d(F.leaky_relu(features, 0.2), kernel, bias, stride=2)
        features = features[..., 1:, 1:]
        image = _twice(image, state["enlarge.spread.weight"]) + convolve(features, "detail")
        images.append(image)
    for given, expected in zip(model.progress(lr), images, strict=True):
        torch.testing.assert_close(given, expected)


def test_ms_lapsrn_has_the_same_weights_at_every_scale() -> None:
    x2, x8 = (build_model("ms_lapsrn", {**SMALL, "scale": scale}) for scale in (2, 8))
    x8.load_state_dict(x2.state_dict())
    lr = torch.rand(1, 3, 4, 3)
    assert isinstance(x8, MSLapSRN)
    torch.testing.assert_close(x8.progress(lr)[0], x2(lr), atol=0, rtol=0)


@pytest.mark.parametrize("name", ["lapsrn", "ms_lapsrn"])
def test_a_scale_that_is_no_power_of_two_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="scale must be one of 2, 4, 8, got 3"):
        build_model(name, {"scale": 3})
