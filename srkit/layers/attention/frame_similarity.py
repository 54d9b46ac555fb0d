"""Temporal similarity attention: weigh each frame of a burst, pixel by pixel, by how it fits.

Wang et al., "EDVR: Video Restoration with Enhanced Deformable Convolutional Networks", CVPR
Workshops 2019, https://arxiv.org/abs/1905.02716: the temporal half of its TSA module. A frame's
weight at a pixel is the sigmoid of the dot product of an embedding of it and one of the reference
frame, the burst's middle one; a layer then fuses the weighted frames. EDVR fuses a fixed number of
frames with a layer for each; here one layer serves all and the mean of the frames is given, so that
bursts may be of any length.
"""

# Shapes: B batch, T frames, C channels, H W height and width.

from torch import Tensor, nn

from srkit.layers.attention.attention import Attention


class FrameSimilarity(Attention):
    """Average the frames of a burst, each weighted by its likeness to the middle one.

    Shape: (B, T, C, H, W) -> (B, C, H, W), any T >= 1.
    Receptive field: 1.
    """

    category = "temporal"
    receptive_field = 1

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.reference = nn.Conv2d(channels, channels, 3, padding=1)
        self.candidate = nn.Conv2d(channels, channels, 3, padding=1)
        self.fuse = nn.Conv2d(channels, channels, 1)

    def weights(self, x_BTCHW: Tensor) -> Tensor:
        """Give each frame's weight at each pixel, (B, T, 1, H, W), in (0, 1)."""
        reference_BCHW = self.reference(x_BTCHW[:, x_BTCHW.shape[1] // 2])
        candidates = self.candidate(x_BTCHW.flatten(0, 1)).unflatten(0, x_BTCHW.shape[:2])
        alike: Tensor = (candidates * reference_BCHW[:, None]).sum(2, keepdim=True)
        return alike.sigmoid()

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        fused_BCHW: Tensor = self.fuse((x_BTCHW * self.weights(x_BTCHW)).mean(1))
        return fused_BCHW
