"""How well classes were told: exact counts over a set, and what is made of them.

Convention
    Of each class there are true and false positives and negatives (TP, FP, FN, TN). Precision is
    TP / (TP + FP), recall TP / (TP + FN), F1 = 2 TP / (2 TP + FP + FN); each is 0 where nothing was
    counted. `macro` is the plain mean over all classes, whether the set has them or not; `micro`
    is of the counts added up over the classes, which for one label an image is the accuracy.
    Accuracy is the part of the images of which all classes are right.
"""

# Shapes: N images, C classes.

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class LabelNumbers:
    """Numbers from 0 to 1."""

    accuracy: float
    micro_f1: float
    macro_precision: float
    macro_recall: float
    macro_f1: float


def compare_labels(predicted_NC: Labels, true_NC: Labels) -> LabelNumbers:
    """Compare the classes that images were given with those they have.

    Shape: (N, C) of booleans both, N >= 1.
    """
    tp, fp, fn = (
        pair.sum(axis=0).astype(np.float64)
        for pair in (
            predicted_NC & true_NC,
            predicted_NC & ~true_NC,
            ~predicted_NC & true_NC,
        )
    )
    return LabelNumbers(
        accuracy=float((predicted_NC == true_NC).all(axis=1).mean()),
        micro_f1=float(_ratio(2 * tp.sum(), 2 * tp.sum() + fp.sum() + fn.sum())),
        macro_precision=float(_ratio(tp, tp + fp).mean()),
        macro_recall=float(_ratio(tp, tp + fn).mean()),
        macro_f1=float(_ratio(2 * tp, 2 * tp + fp + fn).mean()),
    )


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(np.asarray(whole)), where=whole > 0)
