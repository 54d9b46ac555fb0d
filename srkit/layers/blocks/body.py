"""The body of a network: a stack of equal blocks inside one long skip connection."""

# Shapes: B batch, C features, H W height and width.

from torch import Tensor, nn

from srkit.layers.blocks import create_block


class Body(nn.Sequential):
    """Add to the features what a stack of blocks makes of them.

    Shape: (B, C, H, W) in, the same out.
    Receptive field: the sum of the blocks'; the whole image where one of them sees it.
    """

    receptive_field: int | None

    def __init__(self, block: str, features: int, attention: str, *, count: int) -> None:
        blocks = [create_block(block, features, attention) for _ in range(count)]
        super().__init__(*blocks)
        within = [one.receptive_field for one in blocks]
        known = [radius for radius in within if radius is not None]
        self.receptive_field = sum(known) if len(known) == len(within) else None

    def forward(self, x_BCHW: Tensor) -> Tensor:
        changed_BCHW = x_BCHW
        for block in self:
            changed_BCHW = block(changed_BCHW)
        return x_BCHW + changed_BCHW
