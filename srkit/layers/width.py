"""Widths of layers, rounded as MobileNet's are.

Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018,
https://arxiv.org/abs/1801.04381, whose published code has the rule.
"""


def rounded_width(width: float, divisor: int = 4) -> int:
    """Round to the nearest multiple, but not to less than nine tenths.

    >>> rounded_width(18), rounded_width(5)
    (20, 8)
    """
    rounded = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * width else rounded
