"""Precision, recall and F1 against counting by hand."""

import numpy as np
import pytest

from srkit.evaluation.labels import compare_labels


def test_counts_as_a_slow_loop_does(seed: int) -> None:
    random = np.random.default_rng(seed)
    predicted, true = random.random((2, 40, 7)) < random.random((2, 1, 7))
    true[:, 3] = predicted[:, 4] = False  # a class there is not, and one never given
    precisions, recalls, f1s = [], [], []
    counts = [0, 0, 0]
    for index in range(7):
        tp = fp = fn = 0
        for guess, truth in zip(predicted[:, index], true[:, index], strict=True):
            tp += bool(guess and truth)
            fp += bool(guess and not truth)
            fn += bool(truth and not guess)
        precisions.append(tp / (tp + fp) if tp + fp else 0)
        recalls.append(tp / (tp + fn) if tp + fn else 0)
        f1s.append(2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0)
        counts = [total + one for total, one in zip(counts, (tp, fp, fn), strict=True)]
    found = compare_labels(predicted, true)
    assert found.macro_precision == pytest.approx(sum(precisions) / 7)
    assert found.macro_recall == pytest.approx(sum(recalls) / 7)
    assert found.macro_f1 == pytest.approx(sum(f1s) / 7)
    assert found.micro_f1 == pytest.approx(2 * counts[0] / (2 * counts[0] + counts[1] + counts[2]))
    same = sum(bool((p == t).all()) for p, t in zip(predicted, true, strict=True))
    assert found.accuracy == pytest.approx(same / 40)


def test_of_one_label_micro_f1_is_the_accuracy() -> None:
    random = np.random.default_rng(0)
    one_hot = np.eye(4, dtype=bool)
    predicted, true = one_hot[random.integers(0, 4, (2, 50))]
    found = compare_labels(predicted, true)
    assert found.micro_f1 == pytest.approx(found.accuracy)
    assert 0 < found.accuracy < 1


def test_nothing_said_and_nothing_there_counts_nothing() -> None:
    none = np.zeros((3, 2), bool)
    found = compare_labels(none, none)
    assert (found.accuracy, found.micro_f1, found.macro_f1) == (1, 0, 0)
