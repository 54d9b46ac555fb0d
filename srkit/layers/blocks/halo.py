"""Halo attention: each square of pixels looks at itself and a halo around it.

Vaswani et al., "Scaling Local Self-Attention for Parameter Efficient Visual Backbones" (HaloNet),
CVPR 2021, https://arxiv.org/abs/2103.12731. The authors' code is not public, and where others'
differs an option says what is done: timm's is `mask_pad=False`; lucidrains' `scale_pos=True,
out_proj=True`. srkit hides what lies outside of the image, leaves out batch normalisation and lets
the ReLU leak; `norm="bn", slope=0` are the paper's. Strides are for classifiers and left out.
"""

# Shapes: B batch, C features, D heads, E channels of a head, H W height and width, N squares of an
# image, s side of a square, w side of a square with its halo.

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError
from srkit.layers.attention import create_attention
from srkit.layers.blocks.reduced_attention import MOST_LOGITS, head_count
from srkit.layers.convolution import convolution
from srkit.layers.layer import Layer, chained
from srkit.layers.norm import create_norm


class RelativeLogits(nn.Module):
    """How well a query fits a key for their offset: a learned vector for each, down and across.

    Convention
        As in timm, the offset is the key's position inside the window less the query's inside the
        square, and its vector is the one at w - 1 + offset; the first w - s of them are not used.

    Shape: (..., s * s, E) queries -> (..., s * s, w * w).
    """

    def __init__(self, channels: int, *, side: int, window: int) -> None:
        super().__init__()
        self.side = side
        self.down = nn.Parameter(torch.randn(2 * window - 1, channels) / math.sqrt(channels))
        self.across = nn.Parameter(torch.randn(2 * window - 1, channels) / math.sqrt(channels))
        key, query = torch.arange(window), torch.arange(side)
        offset = key - query[:, None] + window - 1
        self.register_buffer("offset", offset, persistent=False)
        self.offset: Tensor

    def forward(self, query: Tensor) -> Tensor:
        at = query.unflatten(-2, (self.side, self.side))
        down = torch.einsum("...ije,iye->...ijy", at, self.down[self.offset])
        across = torch.einsum("...ije,jxe->...ijx", at, self.across[self.offset])
        return (down[..., :, None] + across[..., None, :]).flatten(-2).flatten(-3, -2)


class HaloAttention(Layer):
    """Attend from each square of `side` pixels to itself and `halo` pixels around it.

    `mask_pad` hides what lies outside of the image, which otherwise counts as zeros; `scale_pos`
    scales the positions' logits as the contents' are; `out_proj` mixes the heads at the end.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the halo and the side less one.
    Raises: ConfigError when the heads do not divide the features, or for a size below 1.
    """

    def __init__(
        self,
        features: int,
        *,
        heads: int | None = None,
        side: int = 8,
        halo: int = 3,
        mask_pad: bool = True,
        scale_pos: bool = False,
        out_proj: bool = False,
    ) -> None:
        super().__init__()
        self.heads = heads = head_count(features, heads)
        if side < 1 or halo < 0:
            raise ConfigError(
                f"halo attention needs a side of at least 1 and a halo of at least 0, "
                f"got {side} and {halo}"
            )
        self.side, self.halo = side, halo
        self.mask_pad, self.scale_pos = mask_pad, scale_pos
        self.query = nn.Conv2d(features, features, 1, bias=False)
        self.key = nn.Conv2d(features, features, 1, bias=False)
        self.value = nn.Conv2d(features, features, 1, bias=False)
        self.position = RelativeLogits(features // heads, side=side, window=side + 2 * halo)
        self.leave = nn.Conv2d(features, features, 1) if out_proj else nn.Identity()
        self.receptive_field = side - 1 + halo
        self.size_multiple = side

    def forward(self, x_BCHW: Tensor) -> Tensor:
        batch, _, height, width = x_BCHW.shape
        query = self._squares(self.query(x_BCHW), halo=0, heads=self.heads)
        key = self._squares(self.key(x_BCHW), halo=self.halo, heads=self.heads)
        value = self._squares(self.value(x_BCHW), halo=self.halo, heads=self.heads)
        outside = self._outside(x_BCHW).repeat(batch, 1, 1, 1)
        count = max(1, MOST_LOGITS // (self.heads * query.shape[2] * key.shape[2]))
        parts = (x.split(count) for x in (query, key, value, outside))
        attended = torch.cat([self._attend(*part) for part in zip(*parts, strict=True)])
        return self.leave(self._whole(attended, batch, (height, width)))

    def _squares(self, x_BCHW: Tensor, *, halo: int, heads: int) -> Tensor:
        """Cut maps into squares with a halo: (B * N, heads, w * w, channels of a head)."""
        height, width = x_BCHW.shape[-2:]
        below, right = -height % self.side, -width % self.side
        x = F.pad(x_BCHW, (halo, halo + right, halo, halo + below))
        window = self.side + 2 * halo
        squares = x.unfold(2, window, self.side).unfold(3, window, self.side)
        headed = squares.unflatten(1, (heads, -1))
        return headed.permute(0, 3, 4, 1, 5, 6, 2).flatten(4, 5).flatten(0, 2)

    def _whole(self, squares: Tensor, batch: int, size: tuple[int, int]) -> Tensor:
        """Put squares without a halo together to maps of (height, width)."""
        down, across = (-(-length // self.side) for length in size)
        at = squares.unflatten(0, (batch, down, across)).unflatten(4, (self.side, self.side))
        whole = at.permute(0, 3, 6, 1, 4, 2, 5).flatten(5, 6).flatten(3, 4).flatten(1, 2)
        return whole[..., : size[0], : size[1]]

    def _outside(self, x_BCHW: Tensor) -> Tensor:
        """Give what hides the keys outside of the image: (N, 1, 1, w * w)."""
        there = self._squares(torch.ones_like(x_BCHW[:1, :1]), halo=self.halo, heads=1)
        hidden = there.log() if self.mask_pad else torch.zeros_like(there)
        return hidden.transpose(2, 3)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, outside: Tensor) -> Tensor:
        position = self.position(query)
        if self.scale_pos:
            position = position / math.sqrt(query.shape[-1])
        return F.scaled_dot_product_attention(query, key, value, attn_mask=position + outside)


class HaloBlock(Layer):
    """Add to the features what two pixelwise convolutions with halo attention between make of them.

    The attention of the slot stands at the end of the branch.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the halo and the side less one, or the whole image where the slot's attention
        sees it.
    Raises: ConfigError when the heads do not divide the features, or for a size below 1.
    """

    def __init__(
        self,
        features: int,
        attention: str,
        *,
        window: int | None = None,
        heads: int | None = None,
        side: int = 8,
        halo: int = 3,
        mask_pad: bool = True,
        scale_pos: bool = False,
        out_proj: bool = False,
        norm: str = "none",
        slope: float = 0.1,
    ) -> None:
        super().__init__()
        self.enter = convolution(features, features, norm=norm, slope=slope)
        self.spatial = HaloAttention(
            features,
            heads=heads,
            side=side,
            halo=halo,
            mask_pad=mask_pad,
            scale_pos=scale_pos,
            out_proj=out_proj,
        )
        self.spatial_norm = create_norm(norm, features)
        self.activate = nn.LeakyReLU(slope)
        self.leave = convolution(features, features, norm=norm)
        self.attend = create_attention(attention, features, window=window)
        self.receptive_field = chained((self.spatial.receptive_field, self.attend.receptive_field))
        self.size_multiple = math.lcm(side, self.attend.size_multiple)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        attended_BCHW = self.spatial(self.enter(x_BCHW))
        change_BCHW = self.leave(self.activate(self.spatial_norm(attended_BCHW)))
        return x_BCHW + self.attend(change_BCHW)
