"""The learning rate of a step: linear warm-up, then half a cosine down to zero.

Source: Loshchilov and Hutter, "SGDR", ICLR 2017, https://arxiv.org/abs/1608.03983, without
restarts.
"""

import math


def learning_rate(step: int, *, peak: float, warmup: int, steps: int) -> float:
    """Give the rate for a step counted from 0.

    >>> [learning_rate(s, peak=1.0, warmup=2, steps=6) for s in (0, 1, 2, 4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
