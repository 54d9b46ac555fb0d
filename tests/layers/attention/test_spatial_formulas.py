"""Mechanisms with a spatial gate against their papers' formulas, written out."""

import math

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention.collaborating import CollaboratingAttention
from srkit.layers.attention.large_kernel import LargeKernelAttention
from srkit.layers.attention.strip_pooling import StripPooling
from srkit.layers.attention.triplet import TripletAttention

from ..layer_making import randomised

SIZE = (6, 5)


@pytest.fixture
def x() -> Tensor:
    """Give features of (B, C, H, W)."""
    torch.manual_seed(3)
    return torch.randn(2, 8, *SIZE, dtype=torch.float64)


def correlate(map_HW: Tensor, kernel: Tensor, row: int, column: int, dilation: int = 1) -> Tensor:
    """Give the sum of a kernel times the pixels around a position; outside there is zero."""
    found = torch.zeros((), dtype=map_HW.dtype)
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            y = row + dilation * (i - kernel.shape[0] // 2)
            x = column + dilation * (j - kernel.shape[1] // 2)
            if 0 <= y < map_HW.shape[0] and 0 <= x < map_HW.shape[1]:
                found = found + kernel[i, j] * map_HW[y, x]
    return found


def whole(map_HW: Tensor, kernel: Tensor, dilation: int = 1) -> Tensor:
    """Give that sum at every position."""
    rows = [
        torch.stack([correlate(map_HW, kernel, y, x, dilation) for x in range(map_HW.shape[1])])
        for y in range(map_HW.shape[0])
    ]
    return torch.stack(rows)


@torch.no_grad()
def test_triplet_attention(x: Tensor) -> None:
    """The paper's three rotated maps."""
    layer = randomised(TripletAttention(8)).double()
    branches = (
        (layer.without_rows, (1, 0, 2)),
        (layer.without_columns, (2, 0, 1)),
        (layer.without_channels, (0, 1, 2)),
    )
    image, made = x[0], layer(x)[0]
    expected = torch.zeros_like(image)
    for branch, order in branches:
        turned = image.permute(order)
        kernel = branch.convolve.weight[0].squeeze()
        assert branch.convolve.bias is not None
        logits = branch.convolve.bias[0].clone()
        for pooled, taps in zip((turned.amax(0), turned.mean(0)), kernel, strict=True):
            logits = logits + whole(pooled, taps)
        gated = turned * logits.sigmoid()
        back = [order.index(axis) for axis in range(3)]
        expected += gated.permute(back) / 3
    torch.testing.assert_close(made, expected)


def test_triplet_attention_normalises_as_the_paper_does() -> None:
    """One batch normalisation of one channel: all places of a branch share it."""
    layer = TripletAttention(8, norm="bn").train()
    layer(10 + 3 * torch.randn(2, 8, *SIZE))
    for branch in (layer.without_rows, layer.without_columns, layer.without_channels):
        assert branch.convolve.bias is None
        assert isinstance(branch.norm, nn.BatchNorm2d)
        assert branch.norm.num_features == 1
        assert branch.norm.num_batches_tracked == 1


@torch.no_grad()
def test_strip_pooling(x: Tensor) -> None:
    layer = randomised(StripPooling(8)).double()
    image, made = x[0], layer(x)[0]
    rows, columns = image.mean(2), image.mean(1)
    of_row, of_column = layer.rows[0], layer.columns[0]
    assert isinstance(of_row, nn.Conv2d)
    assert isinstance(of_column, nn.Conv2d)
    assert of_row.bias is not None
    assert of_column.bias is not None
    assert layer.mix.bias is not None
    for row in range(SIZE[0]):
        for column in range(SIZE[1]):
            sums = of_row.bias + of_column.bias
            for tap in range(3):
                if 0 <= row + tap - 1 < SIZE[0]:
                    sums = sums + of_row.weight[:, :, tap, 0] @ rows[:, row + tap - 1]
                if 0 <= column + tap - 1 < SIZE[1]:
                    sums = sums + of_column.weight[:, :, 0, tap] @ columns[:, column + tap - 1]
            logits = layer.mix.weight[:, :, 0, 0] @ sums.clamp(min=0) + layer.mix.bias
            torch.testing.assert_close(
                made[:, row, column], image[:, row, column] * logits.sigmoid()
            )


@torch.no_grad()
def test_large_kernel_attention(x: Tensor) -> None:
    layer = randomised(LargeKernelAttention(8)).double()
    image, made = x[0], layer(x)[0]
    assert layer.near.bias is not None
    assert layer.far.bias is not None
    assert layer.mix.bias is not None
    seen = []
    for c in range(8):
        near = whole(image[c], layer.near.weight[c, 0]) + layer.near.bias[c]
        seen.append(whole(near, layer.far.weight[c, 0], dilation=3) + layer.far.bias[c])
    mixed = torch.einsum("oc,chw->ohw", layer.mix.weight[:, :, 0, 0], torch.stack(seen))
    expected = image * (mixed + layer.mix.bias[:, None, None])
    torch.testing.assert_close(made, expected)


@torch.no_grad()
@pytest.mark.parametrize("lite", [False, True])
def test_collaborating_attention(x: Tensor, lite: bool) -> None:
    layer = randomised(CollaboratingAttention(8, reduction=4, lite=lite)).double()
    image, made = x[0], layer(x)[0]
    blurred = torch.stack(
        [torch.from_numpy(gaussian_filter(c.numpy(), 1, radius=2, mode="nearest")) for c in image]
    )
    squeeze, excite = layer.gate.squeeze.weight[:, :, 0, 0], layer.gate.excite.weight[:, :, 0, 0]

    def mlp(summary: Tensor) -> Tensor:
        return excite @ (squeeze @ summary).clamp(min=0)

    def entropy(values: Tensor) -> float:
        weights = values.exp() / values.exp().sum()
        return -float((weights * weights.log()).sum())

    def stretched(values: Tensor) -> Tensor:
        return (values - values.min()) / (values.max() - values.min() + 1e-6)

    of_channels = torch.tensor([entropy(c) for c in image], dtype=torch.float64)
    summaries = (image.mean((1, 2)), blurred.amax((1, 2)), stretched(of_channels))
    logits = sum(
        factor * mlp(summary)
        for factor, summary in zip(layer.channel_factors, summaries, strict=True)
    )
    assert isinstance(logits, Tensor)
    gate = logits.sigmoid()[:, None, None].expand_as(image)
    if not lite:
        of_places = torch.tensor(
            [[entropy(image[:, y, x]) for x in range(SIZE[1])] for y in range(SIZE[0])],
            dtype=torch.float64,
        )
        maps = (image.mean(0), blurred.amax(0), stretched(of_places))
        seen = sum(factor * seen for factor, seen in zip(layer.spatial_factors, maps, strict=True))
        assert isinstance(seen, Tensor)
        spatial = whole(seen, layer.place.weight[0, 0]).sigmoid()
        first, second = (math.exp(worth) for worth in layer.worth.tolist())
        gate = (first * gate + second * spatial) / (first + second)
    torch.testing.assert_close(made, image * gate, atol=1e-6, rtol=1e-6)


def test_collaborating_attention_starts_as_asked() -> None:
    x = torch.randn(1, 16, 8, 8)
    torch.testing.assert_close(CollaboratingAttention(16, init="zeros")(x), 0.5 * x)
    alive = CollaboratingAttention(16)
    assert alive.channel_factors.tolist() == pytest.approx([1 / 3] * 3)
    assert not torch.allclose(alive(x), 0.5 * x, atol=1e-3)
    with pytest.raises(ConfigError, match="init must be one of thirds, zeros, got 'ones'"):
        CollaboratingAttention(16, init="ones")  # type: ignore[arg-type]
