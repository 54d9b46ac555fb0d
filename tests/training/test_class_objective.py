"""What classifiers minimise, against formulas written out."""

import math

import pytest
import torch

from srkit.data.labelled_batches import LabelledBatch
from srkit.errors import ConfigError
from srkit.models import build_classifier
from srkit.models.lpae_classifier import LPAEClassifier
from srkit.training.class_objective import Classification
from srkit.training.objectives import create_objective

CLASSES = ("a", "b", "c")
LPAE = {"backbone": "small", "features": 8, "image_size": 8, "lpae_hidden": 4, "classes": CLASSES}


@pytest.fixture
def images() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(4, 3, 8, 8)


def lpae_classifier(*, multi_label: bool = False, joint: bool = False) -> LPAEClassifier:
    torch.manual_seed(1)
    network = build_classifier("lpae_classifier", {**LPAE, "multi_label": multi_label})
    assert isinstance(network, LPAEClassifier)
    network.lpae.requires_grad_(joint)
    return network.eval()


def test_the_heads_cross_entropies_are_added_up(images: torch.Tensor) -> None:
    network = lpae_classifier()
    objective = create_objective(network, {})
    assert isinstance(objective, Classification)
    targets = torch.tensor([0, 2, 1, 1])
    expected = 0.0
    for scores in network.heads(images):
        for row, target in zip(scores.tolist(), targets.tolist(), strict=True):
            chance = math.exp(row[target]) / sum(math.exp(score) for score in row)
            expected -= math.log(chance) / len(targets)
    terms = objective(LabelledBatch(images, targets))
    assert list(terms) == ["cross_entropy"]
    assert terms["cross_entropy"].item() == pytest.approx(expected, rel=1e-5)


def test_several_labels_cost_the_binary_cross_entropy_of_a_sigmoid(images: torch.Tensor) -> None:
    network = build_classifier(
        "wrn_eca",
        {
            "classes": CLASSES,
            "multi_label": True,
            "depth": 1.0,
            "width": 0.2,
            "image_size": 8,
            "pooling": "global",
        },
    ).eval()
    targets = torch.tensor([[1.0, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
    chances = network.probabilities(images).double()
    expected = -(targets * chances.log() + (1 - targets) * (1 - chances).log()).mean()
    terms = create_objective(network, {})(LabelledBatch(images, targets))
    assert terms["cross_entropy"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_second_stage_adds_a_thousandth_of_the_autoencoders_loss(
    images: torch.Tensor,
) -> None:
    network = lpae_classifier(joint=True)
    objective = create_objective(network, {})
    batch = LabelledBatch(images, torch.tensor([0, 1, 2, 0]))
    terms = objective(batch)
    approximation, detail = network.lpae.encode(images)
    halved = torch.nn.functional.interpolate(
        images, size=(4, 4), mode="bicubic", align_corners=True
    )
    rebuilt = network.lpae.decoder(approximation) + detail
    own = (
        (rebuilt - images).abs().mean()
        + detail.square().mean()
        + 0.8 * (approximation - halved).square().mean()
    )
    torch.testing.assert_close(terms["lpae"], own)
    total = objective.total(terms)
    torch.testing.assert_close(total, terms["cross_entropy"] + 0.001 * own)
    total.backward()
    assert all(weight.grad is not None for weight in network.lpae.parameters())


def test_the_first_stage_leaves_the_autoencoder_alone(images: torch.Tensor) -> None:
    network = lpae_classifier()
    objective = create_objective(network, {})
    terms = objective(LabelledBatch(images, torch.tensor([0, 1, 2, 0])))
    objective.total(terms).backward()
    assert all(weight.grad is None for weight in network.lpae.parameters())
    assert all(weight.grad is not None for weight in network.detail.parameters())
    with pytest.raises(ConfigError, match="unknown loss 'lpae'"):
        create_objective(network, {"cross_entropy": 1.0, "lpae": 0.001})
