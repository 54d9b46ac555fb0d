"""Normalisations by name.

Super-resolution does without batch normalisation, which costs it contrast and sharpness (Lim et
al., "Enhanced Deep Residual Networks for Single Image Super-Resolution", CVPR Workshops 2017,
https://arxiv.org/abs/1707.02921): "none" or "ln" are for our networks, "bn" is there because most
of the papers that blocks come from classify with it.
"""

# Shapes: B batch, C channels, H W height and width.

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.precision import autocast_on_processor
from srkit.layers.registry import lookup


class ChannelNorm(nn.LayerNorm):
    """Normalise the channels of each position, each position by itself.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: 0.
    """

    def __init__(self, channels: int, *, eps: float = 1e-6) -> None:
        super().__init__(channels, eps=eps)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        if autocast_on_processor(x_BCHW):
            x_BCHW = x_BCHW.float()  # as autocast on a GPU does by itself
        x_BHWC = x_BCHW.permute(0, 2, 3, 1)
        normal_BHWC = F.layer_norm(x_BHWC, self.normalized_shape, self.weight, self.bias, self.eps)
        return normal_BHWC.permute(0, 3, 1, 2)


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "bn": nn.BatchNorm2d,
    "ln": ChannelNorm,
}


def create_norm(name: str, channels: int) -> nn.Module:
    """Build the normalisation called `name` for `channels` maps of (B, C, H, W)."""
    return lookup(NORMS, "norm", name)(channels)
