"""The wavelet head: predict the Haar bands of the enlarged image, then invert the transform.

Guo et al., "Deep Wavelet Prediction for Image Super-resolution" (DWSR), CVPR Workshops 2017,
predicts the bands of the bicubic-enlarged image; here, as in Huang et al., "Wavelet-SRNet", ICCV
2017, they are predicted at the LR image's size. The LR image is the starting point of the
approximation band, which is corrected too: a bicubic LR image is close to the approximation, not
equal to it. The finer octaves' bands lie on a finer grid and are predicted as groups of channels.
"""

# Shapes: B batch, C features, K image channels, H W size of the LR image, s scale.

import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.heads.octaves import octaves
from srkit.layers.layer import Layer
from srkit.transforms.haar import Bands, inverse_haar


class WaveletSynthesisHead(Layer):
    """Predict the bands of every octave and rebuild the image from them.

    Shape: features (B, C, H, W), lr (B, K, H, W) -> (B, K, s*H, s*W), not clamped.
    Receptive field: 1 LR pixel.
    Raises: ConfigError when the scale is not a power of two.
    """

    receptive_field = 1

    def __init__(self, features: int, image_channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.image_channels = image_channels
        self.octaves = octaves(scale, "the wavelet head")
        # 1 approximation, then 3 bands an octave, each on a grid twice as fine as the last.
        self.predict = nn.Conv2d(features, image_channels * scale * scale, 3, padding=1)

    def forward(self, features_BCHW: Tensor, lr_BKHW: Tensor) -> Tensor:
        channels = self.image_channels
        sizes = [channels, *(3 * channels * 4**octave for octave in range(self.octaves))]
        change, *groups = self.predict(features_BCHW).split(sizes, dim=1)
        # One octave's approximation of a flat image is twice as bright as the image.
        image = lr_BKHW * self.scale + change
        for octave, group in enumerate(groups):
            details = F.pixel_shuffle(group, 2**octave).chunk(3, dim=1)
            size = (2 * image.shape[-2], 2 * image.shape[-1])
            image = inverse_haar(Bands(image, *details), size)
        return image
