"""Where autocast to bfloat16 on a processor would spoil gradients.

Some of torch's kernels there (2.14, oneDNN) give gradients that are wrong or added up in bfloat16;
layers that use one compute in float32 instead while they are trained.
"""

import torch
from torch import Tensor


def autocast_on_processor(x: Tensor) -> bool:
    """Tell whether gradients are wanted of what autocast is about to compute on a processor."""
    return x.device.type == "cpu" and torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")
