"""The learning rate of a step, as a pure function: resuming needs no state of a scheduler.

Convention
    Steps count from 0. Warm-up is linear and reaches the highest rate with its last step; what
    follows is laid over the steps that are left. One-cycle rises by itself, along half a cosine
    from a 25th of the highest rate, and has no warm-up.

Sources: Loshchilov and Hutter, "SGDR", ICLR 2017, https://arxiv.org/abs/1608.03983 (the cosine,
here without restarts); Smith and Topin, "Super-Convergence", 2018,
https://arxiv.org/abs/1708.07120 (one cycle).
"""

import math

from srkit.training.config import Training

ONE_CYCLE_START = 1 / 25  # of the highest rate


def learning_rate(step: int, train: Training) -> float:
    """Give the rate for a step counted from 0.

    >>> from srkit.training.config import Optimizer
    >>> train = Training(total_iter=6, warmup_iter=2, optim_g=Optimizer(lr=1.0))
    >>> [learning_rate(step, train) for step in (0, 1, 2, 4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    peak, steps, scheduler = train.optim_g.lr, train.total_iter, train.scheduler
    if scheduler.type == "OneCycleLR":
        rise = scheduler.pct_start * steps
        if step < rise:
            return _cosine(peak * ONE_CYCLE_START, peak, step / rise)
        return _cosine(peak, scheduler.eta_min, (step - rise) / max(1.0, steps - rise))
    if step < train.warmup_iter:
        return peak * (step + 1) / train.warmup_iter
    if scheduler.type == "MultiStepLR":
        return peak * scheduler.gamma ** sum(step >= mark for mark in scheduler.milestones)
    if scheduler.type == "Constant":
        return peak
    done = (step - train.warmup_iter) / max(1, steps - train.warmup_iter)
    return _cosine(peak, scheduler.eta_min, done)


def _cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
