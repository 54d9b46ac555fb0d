"""Over-parametrised convolutions that collapse into plain ones.

Bhardwaj et al., "Collapsible Linear Blocks for Super-Efficient Super Resolution" (SESR), MLSys
2022, https://arxiv.org/abs/2103.09404. A kernel is trained as the product of two, a wide k x k one
and a 1 x 1 one, and where input and output have as many channels, an identity is added to it. The
product is formed anew in every step from the weights, not from the feature maps (the paper's
efficient training), so a step costs hardly more than a plain one; afterwards `fold` leaves a plain
convolution that computes the same. The paper expands every linear block to 256 channels; the width
is an argument here.
"""

# Shapes: O outputs, I inputs, E expansion, k side of the kernel, B batch, H W height and width.

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from srkit.errors import ConfigError

Kind = TypeVar("Kind", bound=nn.Module)


class CollapsibleConvolution(nn.Module):
    """A k x k convolution of stride 1 whose kernel is a product while it is trained.

    Shape: (B, I, H, W) -> (B, O, H, W).
    Receptive field: k // 2.
    Raises: ConfigError when the kernel is even or the expansion below 1.
    """

    def __init__(self, inputs: int, outputs: int, kernel_size: int, *, expansion: int) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ConfigError(f"kernel_size must be odd, got {kernel_size}")
        if expansion < 1:
            raise ConfigError(f"expansion must be at least 1, got {expansion}")
        self.expand = nn.Conv2d(inputs, expansion, kernel_size, bias=False)
        self.project = nn.Conv2d(expansion, outputs, 1)
        self.padding = kernel_size // 2

    def kernel(self) -> Tensor:
        """Give the (O, I, k, k) kernel that the product stands for, in float32 or wider."""
        wide_EIkk, narrow_OE11 = self.expand.weight, self.project.weight
        with torch.autocast(wide_EIkk.device.type, enabled=False):
            kernel_OIkk = torch.einsum("oe,eikl->oikl", narrow_OE11[:, :, 0, 0], wide_EIkk)
            return kernel_OIkk + self._identity(kernel_OIkk)

    def forward(self, x_BIHW: Tensor) -> Tensor:
        return F.conv2d(
            x_BIHW, channels_last(self.kernel()), self.project.bias, padding=self.padding
        )

    @torch.no_grad()
    def unfold(self, kernel_OIkk: Tensor, bias_O: Tensor) -> None:
        """Become a convolution with this kernel: the product holds it, the rest stays as it was.

        Raises: ConfigError when the expansion is too small for the kernel's rank.
        """
        learned = kernel_OIkk - self._identity(kernel_OIkk)
        left, scale, right = torch.linalg.svd(learned.flatten(1), full_matrices=False)
        rank, expansion = len(scale), self.expand.out_channels
        if rank > expansion:
            raise ConfigError(
                f"expansion must be at least {rank} to start from plain convolutions, "
                f"got {expansion}"
            )
        wide = scale.sqrt()[:, None] * right
        self.expand.weight[:rank] = wide.view(rank, *kernel_OIkk.shape[1:])
        self.project.weight.zero_()
        self.project.weight[:, :rank, 0, 0] = left * scale.sqrt()
        assert self.project.bias is not None
        self.project.bias.copy_(bias_O)

    def _identity(self, kernel_OIkk: Tensor) -> Tensor:
        """Give the kernel that is added to the product: one that changes nothing, or zero."""
        outputs, inputs, side, _ = kernel_OIkk.shape
        if outputs != inputs:
            return torch.zeros_like(kernel_OIkk)
        identity_OI11 = torch.eye(outputs).to(kernel_OIkk)[:, :, None, None]
        return F.pad(identity_OI11, [side // 2] * 4)

    @torch.no_grad()
    def folded(self) -> nn.Conv2d:
        """Give the plain convolution that computes the same."""
        kernel = self.kernel()
        outputs, inputs, side, _ = kernel.shape
        plain = nn.Conv2d(inputs, outputs, side, padding=self.padding)
        plain.weight.copy_(kernel)
        assert plain.bias is not None
        assert self.project.bias is not None
        plain.bias.copy_(self.project.bias)
        return plain.to(kernel)


def weights_of(convolution: nn.Module) -> tuple[Tensor, Tensor]:
    """Give kernel and bias of a convolution, plain or over-parametrised."""
    if isinstance(convolution, CollapsibleConvolution):
        kernel, bias = convolution.kernel(), convolution.project.bias
    else:
        assert isinstance(convolution, nn.Conv2d)
        kernel, bias = convolution.weight, convolution.bias
    assert bias is not None
    return kernel, bias


def channels_last(kernel: Tensor) -> Tensor:
    """Lay a computed kernel out as the feature maps are: a convolution would do it at each call."""
    return kernel.contiguous(memory_format=torch.channels_last)


def over_parametrise(module: nn.Module, expansion: int) -> None:
    """Replace every plain convolution inside a module, of whatever part of a network.

    Left as they are: 1 x 1, even, strided, dilated and grouped ones, and those without a bias.
    """
    for parent, name, child in _convolutions(module, nn.Conv2d):
        side = child.kernel_size[0]
        plain = child.stride == (1, 1) and child.dilation == (1, 1) and child.groups == 1
        square = child.kernel_size == (side, side) and child.padding == (side // 2, side // 2)
        if plain and square and side > 1 and side % 2 and child.bias is not None:
            wide = CollapsibleConvolution(
                child.in_channels, child.out_channels, side, expansion=expansion
            )
            setattr(parent, name, wide)


def fold(module: nn.Module) -> None:
    """Replace every over-parametrised convolution inside a module by its plain one."""
    for parent, name, child in _convolutions(module, CollapsibleConvolution):
        setattr(parent, name, child.folded())


def _convolutions(module: nn.Module, kind: type[Kind]) -> list[tuple[nn.Module, str, Kind]]:
    return [
        (parent, name, child)
        for parent in module.modules()
        if not isinstance(parent, CollapsibleConvolution)
        for name, child in parent.named_children()
        if isinstance(child, kind)
    ]
