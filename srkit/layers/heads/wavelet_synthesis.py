"""The wavelet head: predict the Haar bands of the enlarged image, then invert the transform.

Guo et al., "Deep Wavelet Prediction for Image Super-resolution" (DWSR), CVPR Workshops 2017,
predicts the bands of the bicubic-enlarged image; here, as in Huang et al., "Wavelet-SRNet", ICCV
2017, they are predicted at the LR image's size. The LR image is the starting point of the
approximation band, which is corrected too: a bicubic LR image is close to the approximation, not
equal to it. The finer octaves' bands lie on a finer grid and are predicted as groups of channels.
"""

# Shapes: B batch, C features, K image channels, H W size of the LR image, s scale.

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.layers.collapsible import channels_last, weights_of
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
    synthesis: Tensor

    def __init__(self, features: int, image_channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.predict = nn.Conv2d(features, image_channels * scale * scale, 3, padding=1)
        matrix = synthesis_matrix(image_channels, octaves(scale, "the wavelet head"))
        self.register_buffer("synthesis", matrix, persistent=False)

    def forward(self, features_BCHW: Tensor, lr_BKHW: Tensor) -> Tensor:
        # The transform works on each position's bands alone, so it is done once to the kernel,
        # not to every pixel.
        with torch.autocast(lr_BKHW.device.type, enabled=False):
            kernel, bias = weights_of(self.predict)
            kernel = torch.einsum("ob,bfij->ofij", self.synthesis, kernel)
            bias = self.synthesis @ bias
        pixels = F.conv2d(features_BCHW, channels_last(kernel), bias, padding=1)
        # The inverse transform of an approximation alone repeats its pixels.
        repeated = lr_BKHW.repeat_interleave(self.scale**2, dim=1)
        return F.pixel_shuffle(pixels + repeated, self.scale)


def synthesis_matrix(channels: int, octaves: int) -> Tensor:
    """Give the matrix that turns the bands of one LR position into its s * s pixels.

    Shape: (K s s, K s s); columns are the bands, coarse to fine, each octave's horizontal,
    vertical and diagonal; rows are pixels as `torch.nn.functional.pixel_shuffle` orders them.
    """
    count = channels * 4**octaves
    bands = torch.eye(count)[..., None, None]
    sizes = [channels, *(3 * channels * 4**octave for octave in range(octaves))]
    image, *groups = bands.split(sizes, dim=1)
    for octave, group in enumerate(groups):
        details = F.pixel_shuffle(group, 2**octave).chunk(3, dim=1)
        size = (2 * image.shape[-2], 2 * image.shape[-1])
        image = inverse_haar(Bands(image, *details), size)
    return F.pixel_unshuffle(image, 2**octaves).flatten(1).T.contiguous()
