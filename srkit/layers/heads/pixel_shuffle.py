"""The sub-pixel head: every LR position predicts the scale x scale block of pixels it becomes.

Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
Convolutional Neural Network" (ESPCN), CVPR 2016, https://arxiv.org/abs/1609.05158. As in ABPN
(Du et al., CVPR Workshops 2021) the prediction is added to the LR pixel itself, repeated: the
network starts from nearest-neighbour enlargement, which costs nothing.
"""

# Shapes: B batch, C features, K image channels, H W size of the LR image, s scale.

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.layer import Layer


class PixelShuffleHead(Layer):
    """Predict s*s pixels at every LR position.

    Shape: features (B, C, H, W), lr (B, K, H, W) -> (B, K, s*H, s*W), not clamped.
    Receptive field: 1 LR pixel.
    """

    receptive_field = 1

    def __init__(self, features: int, image_channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.predict = nn.Conv2d(features, image_channels * scale * scale, 3, padding=1)

    def forward(self, features_BCHW: Tensor, lr_BKHW: Tensor) -> Tensor:
        repeated = lr_BKHW.repeat_interleave(self.scale**2, dim=1)
        return F.pixel_shuffle(self.predict(features_BCHW) + repeated, self.scale)
