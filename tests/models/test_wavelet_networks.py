"""DWSR and MWCNN compute what their papers say, with the transforms of PyWavelets."""

from typing import Any

import numpy as np
import pytest
import pywt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.models import build_model
from srkit.models.dwsr import DWSR
from srkit.models.model import Model
from srkit.models.mwcnn import MWCNN, Level
from srkit.transforms.resize import imresize


def _built(name: str, **settings: Any) -> Model:
    torch.manual_seed(0)
    model = build_model(name, {"scale": 2, **settings}).double().eval()
    for weight in model.parameters():
        weight.data = 0.2 * torch.randn_like(weight)
    return model


def _image(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64)


def _analyse(x_BCHW: Tensor) -> list[Tensor]:
    approximation, details = pywt.dwt2(x_BCHW.detach().numpy(), "haar")
    return [torch.from_numpy(np.asarray(band)) for band in (approximation, *details)]


def _synthesise(bands: list[Tensor]) -> Tensor:
    approximation, *details = (band.detach().numpy() for band in bands)
    return torch.from_numpy(pywt.idwt2((approximation, tuple(details)), "haar"))


@pytest.mark.parametrize("name", ["dwsr", "mwcnn", "mwcnn-full-size"])
def test_starts_from_the_bicubic_enlargement(name: str) -> None:
    kind, _, full = name.partition("-")
    settings = {"full_size": True} if full else {}
    model = build_model(kind, {"scale": 3, "features": 8, "convolutions": 1, **settings})
    lr = torch.rand(1, 3, 5, 7)
    expected = imresize(lr, scale=3, border="repeat")
    torch.testing.assert_close(model(lr), expected, atol=1e-5, rtol=0)


def test_dwsr_adds_what_the_bands_lack() -> None:
    model = _built("dwsr", image_channels=2, features=6, convolutions=2)
    assert isinstance(model, DWSR)
    lr = _image(1, 2, 6, 5)
    bands = _analyse(imresize(lr, scale=2, border="repeat"))
    features = torch.cat(bands, dim=1)
    kernels = [layer for layer in model.predict if isinstance(layer, nn.Conv2d)]
    assert len(kernels) == 4
    for layer in kernels[:-1]:
        features = F.conv2d(features, layer.weight, layer.bias, padding=1).clamp(min=0)
    lacking = F.conv2d(features, kernels[-1].weight, kernels[-1].bias, padding=1)
    corrected = [band + more for band, more in zip(bands, lacking.chunk(4, dim=1), strict=True)]
    torch.testing.assert_close(model(lr), _synthesise(corrected), atol=1e-6, rtol=1e-6)


def _exchanged(kernel: Tensor, axis: int) -> Tensor:
    """Exchange horizontal and vertical bands along an axis of a kernel."""
    approximation, horizontal, vertical, diagonal = kernel.chunk(4, dim=axis)
    return torch.cat((approximation, vertical, horizontal, diagonal), dim=axis)


def _authors_level(level: Level, image: Tensor, *, outermost: bool) -> Tensor:
    """Compute a level with the bands of the authors' code, and with our kernels turned."""

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(x, weight.flip(2, 3), bias, padding=1)

    down, up = (
        [layer for layer in chain if isinstance(layer, nn.Conv2d)]
        for chain in (level.contract, level.expand)
    )
    approximation, horizontal, vertical, diagonal = _analyse(image)
    features = torch.cat((approximation, -vertical, -horizontal, diagonal), dim=1)
    for place, layer in enumerate(down):
        weight = layer.weight if place else _exchanged(layer.weight, 1)
        features = convolve(features, weight, layer.bias).clamp(min=0)
    if level.coarser is not None:
        features = features + _authors_level(level.coarser, features, outermost=False)
    for layer in up[:-1]:
        features = convolve(features, layer.weight, layer.bias).clamp(min=0)
    assert up[-1].bias is not None
    weight, bias = _exchanged(up[-1].weight, 0), _exchanged(up[-1].bias, 0)
    bands = convolve(features, weight, bias)
    if not outermost:
        bands = bands.clamp(min=0)
    low, minus_vertical, minus_horizontal, diagonal = bands.chunk(4, dim=1)
    return _synthesise([low, -minus_horizontal, -minus_vertical, diagonal])


def test_mwcnn_is_the_authors_network_for_images_upside_down() -> None:
    model = _built("mwcnn", image_channels=1, features=6, levels=2, convolutions=2)
    assert isinstance(model, MWCNN)
    lr = _image(1, 1, 4, 6)
    upside_down = imresize(lr, scale=2, border="repeat").flip(2, 3)
    expected = upside_down + _authors_level(model.correct, upside_down, outermost=True)
    torch.testing.assert_close(model(lr).flip(2, 3), expected, atol=1e-6, rtol=1e-6)


def test_the_second_mwcnn_begins_and_ends_at_full_size_with_spread_kernels() -> None:
    settings = {"convolutions": 3, "levels": 2, "full_size": True, "dilated": True}
    model = _built("mwcnn", image_channels=1, features=4, **settings)
    assert isinstance(model, MWCNN)
    image = imresize(_image(1, 1, 4, 6), scale=2, border="repeat")

    def run(x: Tensor, chain: nn.Sequential, spread: list[int], *, end: bool = False) -> Tensor:
        layers = [layer for layer in chain if isinstance(layer, nn.Conv2d)]
        for place, (layer, by) in enumerate(zip(layers, spread, strict=True)):
            x = F.conv2d(x, layer.weight, layer.bias, padding=by, dilation=by)
            if not end or place < len(layers) - 1:
                x = x.clamp(min=0)
        return x

    def bands(x: Tensor) -> Tensor:
        return torch.cat(_analyse(x), dim=1)

    def back(x: Tensor) -> Tensor:
        return _synthesise(list(x.chunk(4, dim=1)))

    full = model.correct
    assert full.coarser is not None
    half = full.coarser
    assert half.coarser is not None
    quarter = half.coarser
    assert quarter.coarser is None
    x0 = run(image, full.contract, [1, 2, 1])
    x1 = run(bands(x0), half.contract, [1, 2, 1])
    x2 = run(bands(x1), quarter.contract, [1, 2, 3])
    x1 = x1 + back(run(x2, quarter.expand, [3, 2, 1]))
    x0 = x0 + back(run(x1, half.expand, [2, 1, 1]))
    lacking = run(x0, full.expand, [2, 1, 1], end=True)
    torch.testing.assert_close(full(image), lacking)


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        ("dwsr", {"scale": 5}, "scale must be one of .* got 5"),
        ("dwsr", {"first_kernel_size": 4}, "first_kernel_size must be odd, got 4"),
        ("mwcnn", {"levels": 0}, "levels must be at least 1, got 0"),
        ("mwcnn", {"most_features": 0}, "most_features must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_built_is_refused(
    model: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(model, settings)
