"""Wave-ViT: wavelets blocks in two stages, ordinary attention in two. Yao et al., ECCV 2022."""

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.blocks.wavelets import DepthwiseFeedForward, WaveletsBlock
from srkit.layers.convolution import convolution
from srkit.layers.norm import ChannelNorm

EXPANSIONS = (8, 8, 4, 4)
REDUCTIONS = (4, 2, None, None)


class OrdinaryBlock(nn.Module):
    """Attention to every position and PVT v2's feed-forward network."""

    def __init__(self, features: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.heads = heads
        self.spatial_norm = ChannelNorm(features)
        self.query = nn.Conv2d(features, features, 1)
        self.key_value = nn.Conv2d(features, 2 * features, 1)
        self.leave = nn.Conv2d(features, features, 1)
        self.channel_norm = ChannelNorm(features)
        self.channel = DepthwiseFeedForward(features, expansion * features)

    def forward(self, x: Tensor) -> Tensor:
        normal = self.spatial_norm(x)
        given = (self.query(normal), *self.key_value(normal).chunk(2, dim=1))
        tokens = (part.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3) for part in given)
        attended = F.scaled_dot_product_attention(*tokens).transpose(2, 3).reshape(x.shape)
        x = x + self.leave(attended)
        whole: Tensor = x + self.channel(self.channel_norm(x))
        return whole


class ClassHead(nn.Module):
    """A class token that attends to all, and classes for it and for each position as well."""

    def __init__(self, features: int, heads: int, expansion: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(features)
        self.query = nn.Linear(features, features)
        self.key_value = nn.Linear(features, 2 * features)
        self.leave = nn.Linear(features, features)
        self.channel_norm = nn.LayerNorm(features)
        self.widen = nn.Linear(features, expansion * features)
        self.narrow = nn.Linear(expansion * features, features)
        self.last_norm = nn.LayerNorm(features)
        self.classes = nn.Linear(features, 1000)
        self.position_classes = nn.Linear(features, 1000)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        token = tokens.mean(dim=1, keepdim=True)
        normal = self.norm(tokens)
        given = (self.query(normal[:, :1]), *self.key_value(normal).chunk(2, dim=2))
        parts = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in given)
        attended = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        token = token + self.leave(attended)
        token = token + self.narrow(F.gelu(self.widen(self.channel_norm(token))))
        of_positions = self.position_classes(self.last_norm(tokens)).amax(dim=1)
        whole: Tensor = self.classes(self.last_norm(token))[:, 0] + 0.5 * of_positions
        return whole


def wavevit(
    widths: tuple[int, ...], depths: tuple[int, ...], heads: tuple[int, ...], *, stem: int
) -> nn.Sequential:
    layers: list[nn.Module] = [
        convolution(3, stem, 7, norm="bn", slope=0, stride=2),
        convolution(stem, stem, 3, norm="bn", slope=0),
        convolution(stem, stem, 3, norm="bn", slope=0),
    ]
    channels = stem
    settings = zip(widths, depths, heads, EXPANSIONS, REDUCTIONS, strict=True)
    for width, depth, number, expansion, reduction in settings:
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), ChannelNorm(width)]
        layers += [
            OrdinaryBlock(width, number, expansion)
            if reduction is None
            else WaveletsBlock(
                width,
                "none",
                heads=number,
                reduction=reduction,
                expansion=expansion,
                norm="bn",
                slope=0,
            )
            for _ in range(depth)
        ]
        if width != widths[-1]:  # that of the last stage is in the head
            layers.append(ChannelNorm(width))
        channels = width
    layers.append(ClassHead(channels, heads[-1], EXPANSIONS[-1]))
    return nn.Sequential(*layers)
