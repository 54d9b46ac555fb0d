"""Multi-head attention to fewer keys than there are queries, of the whole image or in windows.

What the CMT and the Wave-ViT block share. Windows are ours: without them every position looks at
the whole image, whose cost grows with the square of its pixels and whose tiles are approximate.
"""

# Shapes: B batch, C features, H W size of the queries, h w of the keys (one for a cell of
# `reduction` x `reduction` queries, the last cells perhaps cut off by the border), D heads.

import math
from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError

# With a bias, logits are kept in memory: not more of them at a time than 256 MB in float32.
MOST_LOGITS = 2**26


class PositionBias(nn.Module):
    """What is added to the logits because of where query and key stand."""

    @abstractmethod
    def forward(self, rows: range, width: int, keys: tuple[int, int]) -> Tensor:
        """Give the bias of some rows of queries, each `width` wide, to the (height, width) keys.

        Shape: (1, D, rows * width, h * w).
        """


def check_window(window: int | None, reduction: int) -> None:
    """Raise a ConfigError for a window that the cells of the keys do not fill."""
    if window is not None and window % reduction:
        raise ConfigError(
            f"the window must be a multiple of {reduction}, the side of a key's cell, got {window}"
        )


def head_count(features: int, heads: int | None) -> int:
    """Give the heads asked for; with None 4, or fewer where 4 does not divide the features.

    Raises: ConfigError for features that cannot be shared out among the heads.
    """
    if heads is None:
        return math.gcd(features, 4)
    if heads < 1 or features % heads:
        raise ConfigError(f"heads must divide the {features} features, got {heads}")
    return heads


def attend(
    query_BCHW: Tensor,
    key_BChw: Tensor,
    value_BChw: Tensor,
    *,
    heads: int,
    reduction: int,
    window: int | None = None,
    bias: PositionBias | None = None,
) -> Tensor:
    """Give each query the mean of the values, weighted by how well their keys fit it.

    Shape: (B, C, H, W), as the queries.
    Receptive field: the image, or the window less one.
    """
    if window is None:
        return _attend(query_BCHW, key_BChw, value_BChw, heads, bias, None)
    batch, _, height, width = query_BCHW.shape
    cells = window // reduction
    hidden = _hidden_keys(key_BChw, cells)
    attended = _attend(
        split_into_windows(query_BCHW, window),
        split_into_windows(key_BChw, cells),
        split_into_windows(value_BChw, cells),
        heads,
        bias,
        None if hidden is None else hidden.repeat(batch, 1, 1, 1),
    )
    return join_windows(attended, batch, (height, width))


def split_into_windows(x_BCHW: Tensor, side: int) -> Tensor:
    """Cut maps into squares, row by row, with zeros where the last ones reach over the border.

    Shape: (B, C, H, W) -> (B * windows, C, side, side).
    """
    height, width = x_BCHW.shape[-2:]
    x = F.pad(x_BCHW, (0, -width % side, 0, -height % side))
    squares = x.unflatten(3, (-1, side)).unflatten(2, (-1, side)).permute(0, 2, 4, 1, 3, 5)
    return squares.flatten(0, 2)


def join_windows(windows: Tensor, batch: int, size: tuple[int, int]) -> Tensor:
    """Put the squares of `split_into_windows` together to maps of (height, width)."""
    side = windows.shape[-1]
    down, across = -(-size[0] // side), -(-size[1] // side)
    squares = windows.unflatten(0, (batch, down, across)).permute(0, 3, 1, 4, 2, 5)
    return squares.flatten(4, 5).flatten(2, 3)[..., : size[0], : size[1]]


def _hidden_keys(key_BChw: Tensor, cells: int) -> Tensor | None:
    """Hide the keys over the border: minus infinity for these, (windows, 1, 1, keys), or None."""
    height, width = key_BChw.shape[-2:]
    if height % cells == 0 and width % cells == 0:
        return None
    there = split_into_windows(key_BChw.new_ones(1, 1, height, width), cells)
    return there.log().flatten(2)[:, :, None]


def _attend(
    query_BCHW: Tensor,
    key_BChw: Tensor,
    value_BChw: Tensor,
    heads: int,
    bias: PositionBias | None,
    hidden: Tensor | None,
) -> Tensor:
    batch, _, height, width = query_BCHW.shape
    keys = (key_BChw.shape[-2], key_BChw.shape[-1])
    query, key, value = (_tokens(x, heads) for x in (query_BCHW, key_BChw, value_BChw))
    rows = height
    if bias is not None or hidden is not None:
        rows = max(1, MOST_LOGITS // (batch * heads * width * keys[0] * keys[1]))
    parts = []
    for top in range(0, height, rows):
        strip = range(top, min(top + rows, height))
        added = hidden
        if bias is not None:
            position = bias(strip, width, keys)
            added = position if hidden is None else position + hidden
        part = query[:, :, strip.start * width : strip.stop * width]
        parts.append(F.scaled_dot_product_attention(part, key, value, attn_mask=added))
    return torch.cat(parts, dim=2).transpose(2, 3).reshape(query_BCHW.shape)


def _tokens(x_BCHW: Tensor, heads: int) -> Tensor:
    """(B, C, H, W) -> (B, D, H * W, C / D)."""
    return x_BCHW.flatten(2).unflatten(1, (heads, -1)).transpose(2, 3)
