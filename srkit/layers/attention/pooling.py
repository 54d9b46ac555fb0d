"""Sum up what a map shows, over the whole image or over a window around each position.

Convention
    `window` None is the whole image: the pooled sides become 1. A number is the side of a square
    window: the sides stay, and every position holds the summary of the `window // 2` pixels before
    it, itself, and as many after it as are missing to the side; of these, the ones in the image.
    So a window that covers the image from everywhere says the same as the whole image.
    `dims` are the pooled ones: (2, 3), height and width, unless told.

How the windows are computed
    Not pixel by pixel: summaries of 1, 2, 4, ... neighbours are merged from two of half the length,
    and the window from those its length is made of. The work grows with the logarithm of the
    window; unlike differences of cumulative sums this loses no digits, does the same sum
    everywhere (a tile's is the image's to the bit) and works for all that can be merged: maxima,
    variances (Chan et al., "Algorithms for Computing the Sample Variance", The American
    Statistician 1983) and softmax means.
    Half-precision maps are summed up in float32, and sums stay in it; means have the maps' type.
"""

# Shapes: B batch, C channels, H W height and width.

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Parts = tuple[Tensor, ...]
PLANE = (2, 3)
# Low enough for exp() to give 0, and yet finite: infinities would leave NaN in gradients.
LOWEST = -1e30


class Moments(NamedTuple):
    """How many pixels were pooled, their mean, and the sum of the squared deviations from it."""

    pixels: Tensor
    mean: Tensor
    squares: Tensor


def pooling_radius(window: int | None) -> int | None:
    """Give the receptive field of pooling: half of the window, or None for the whole image."""
    return None if window is None else window // 2


def total(x_BCHW: Tensor, window: int | None = None, dims: tuple[int, ...] = PLANE) -> Tensor:
    """Sum the pixels."""
    x = _wide(x_BCHW)
    if window is None:
        return x.sum(dims, keepdim=True)
    return _pooled((x,), (0.0,), _add, window, dims)[0]


def mean(x_BCHW: Tensor, window: int | None = None, dims: tuple[int, ...] = PLANE) -> Tensor:
    """Average the pixels."""
    if window is None:
        return x_BCHW.mean(dims, keepdim=True)
    average = total(x_BCHW, window, dims) / total(_ones(x_BCHW), window, dims)
    return average.to(x_BCHW.dtype)


def maximum(x_BCHW: Tensor, window: int | None = None, dims: tuple[int, ...] = PLANE) -> Tensor:
    """Take the largest pixel."""
    if window is None:
        return x_BCHW.amax(dims, keepdim=True)
    return _pooled((x_BCHW,), (-torch.inf,), _larger, window, dims)[0]


def moments(x_BCHW: Tensor, window: int | None = None, dims: tuple[int, ...] = PLANE) -> Moments:
    """Count, average and spread of the pixels; `squares / pixels` is their variance."""
    x, ones = _wide(x_BCHW), _ones(x_BCHW)
    if window is None:
        middle = x.mean(dims, keepdim=True)
        squares = (x - middle).square().sum(dims, keepdim=True)
        return Moments(ones.sum(dims, keepdim=True), middle, squares)
    return Moments(*_pooled((ones, x, 0 * x), (0.0, 0.0, 0.0), _joined, window, dims))


def softmax_mean(
    logits: Tensor, x_BCHW: Tensor, window: int | None = None
) -> tuple[Tensor, Tensor]:
    """Average the pixels with the softmax of `logits` as weights; give the log-sum-exp as well.

    Shape: logits (B, 1, H, W) or (B, C, H, W), of any value.
    """
    logits, x = _wide(logits), _wide(x_BCHW)
    if window is None:
        highest = logits.logsumexp(PLANE, keepdim=True)
        return ((logits - highest).exp() * x).sum(PLANE, keepdim=True), highest
    highest, average = _pooled((logits, x), (LOWEST, 0.0), _weighted, window, PLANE)
    return average, highest


def entropy(x_BCHW: Tensor, window: int | None = None) -> Tensor:
    """Entropy, in nats, of the softmax over the pixels: 0 for one bright pixel, log N for N equal.

    It does not change when a constant is added to the map.
    """
    average, highest = softmax_mean(x_BCHW, x_BCHW, window)
    return highest - average


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _ones(x_BCHW: Tensor) -> Tensor:
    return torch.ones_like(_wide(x_BCHW)[:1, :1])


def _add(one: Parts, other: Parts) -> Parts:
    return (one[0] + other[0],)


def _larger(one: Parts, other: Parts) -> Parts:
    return (torch.maximum(one[0], other[0]),)


def _joined(one: Parts, other: Parts) -> Parts:
    count = one[0] + other[0]
    share = other[0] / count.clamp(min=1)
    apart = other[1] - one[1]
    squares = one[2] + other[2] + apart.square() * (one[0] * share)
    return count, one[1] + apart * share, squares


def _weighted(one: Parts, other: Parts) -> Parts:
    # Not torch.logaddexp, which ONNX has only as the logarithm of two exponentials.
    highest = torch.maximum(one[0], other[0]) + (-(one[0] - other[0]).abs()).exp().log1p()
    average = (one[0] - highest).exp() * one[1] + (other[0] - highest).exp() * other[1]
    return highest, average


def _pooled(
    parts: Parts,
    empty: tuple[float, ...],
    merge: Callable[[Parts, Parts], Parts],
    window: int,
    dims: tuple[int, ...],
) -> Parts:
    """Merge all that a window holds, one axis after the other; `empty` merges to nothing."""
    for dim in dims:
        size = parts[0].shape[dim]
        before = min(window // 2, size - 1)
        after = min((window - 1) // 2, size - 1)
        length = before + after + 1
        pieces = tuple(
            F.pad(part, _sides(part, dim, before, after), value=value)
            for part, value in zip(parts, empty, strict=True)
        )
        merged: Parts | None = None
        covered, width = 0, 1
        while True:
            if length & width:
                here = _cut(pieces, dim, covered, size)
                merged = here if merged is None else merge(merged, here)
                covered += width
            if covered == length:
                break
            long = pieces[0].shape[dim] - width
            pieces = merge(_cut(pieces, dim, 0, long), _cut(pieces, dim, width, long))
            width *= 2
        assert merged is not None
        parts = merged
    return parts


def _sides(x: Tensor, dim: int, before: int, after: int) -> list[int]:
    return [0, 0] * (x.dim() - 1 - dim) + [before, after]


def _cut(parts: Parts, dim: int, start: int, length: int) -> Parts:
    return tuple(part.narrow(dim, start, length) for part in parts)
