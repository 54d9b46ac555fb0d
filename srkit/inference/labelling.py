"""Tell the classes of images, one after another; one that fails does not stop the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from srkit.errors import SrkitError
from srkit.images import DEFAULT_MAX_PIXELS, read_bands, to_tensor
from srkit.images.image import Samples
from srkit.inference.refusals import reason
from srkit.models.classifier import Classifier
from srkit.models.classifier_input import squared


@dataclass(frozen=True, kw_only=True)
class Label:
    """A class and how likely an image is of it, 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Classified:
    """An image with its labels, the most likely first."""

    image: Path
    labels: list[Label]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """An image without labels."""

    image: Path
    reason: str
    """One line that names the file."""


@dataclass(kw_only=True)
class Report:
    """What became of every image."""

    classified: list[Classified] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def as_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Give the report as plain values."""
        classified = [
            {"image": str(one.image), "labels": [vars(label) for label in one.labels]}
            for one in self.classified
        ]
        refused = [{"image": str(one.image), "reason": one.reason} for one in self.refused]
        return {"classified": classified, "refused": refused}


def classify_all(
    classifier: Classifier,
    paths: Sequence[Path],
    *,
    threshold: float = 0.5,
    top: int = 1,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Label images: with the `top` classes, or where labels are several all from `threshold` on.

    `progress` is called with the images done and of all images.
    """
    report = Report()
    for done, path in enumerate(paths, 1):
        try:
            labels = classify(
                classifier, read_bands(path, classifier.image_channels, max_pixels=max_pixels)
            )
        except Exception as error:  # whatever it is, it must not stop the other images
            report.refused.append(Refused(image=path, reason=reason(path, error)))
        else:
            if classifier.multi_label:
                chosen = [label for label in labels if label.probability >= threshold]
            else:
                chosen = labels[:top]
            report.classified.append(Classified(image=path, labels=chosen))
        if progress is not None:
            progress(done, len(paths))
    return report


def classify(classifier: Classifier, image_HWK: Samples) -> list[Label]:
    """Give every class with its probability, the most likely first.

    Shape: (H, W, K), K the bands the classifier takes, uint8 or uint16.
    Raises: SrkitError when the result is not finite.
    """
    device = next(classifier.parameters()).device
    image = to_tensor(squared(image_HWK, classifier.image_size)).to(device)
    with torch.inference_mode():
        probabilities = classifier.probabilities(image)[0].cpu()
    if not probabilities.isfinite().all():
        raise SrkitError("the classifier's result is not finite")
    order = probabilities.argsort(descending=True, stable=True).tolist()
    return [
        Label(name=classifier.classes[index], probability=float(probabilities[index]))
        for index in order
    ]
