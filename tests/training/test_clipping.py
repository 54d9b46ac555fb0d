"""`clip_grad_norm`: the largest norm the whole gradient of a step keeps."""

from collections.abc import Callable

import pytest
import torch

from srkit.data.batches import Batch
from srkit.training.config import TrainingConfig
from srkit.training.engine import engine
from srkit.training.learner import Learner
from srkit.training.network import create_network


@pytest.mark.parametrize("largest", [0, 1e-3, 1e6])
def test_a_longer_gradient_is_shortened_and_0_leaves_all_as_they_are(
    configure: Callable[..., TrainingConfig], largest: float
) -> None:
    config = configure({"train.clip_grad_norm": largest})
    torch.manual_seed(0)
    model = create_network(config)
    batch = Batch(torch.rand(2, 3, 16, 16), torch.rand(2, 3, 32, 32))
    loss = (model(batch.lr) - batch.hr).abs().mean()  # L1, by torch alone
    plain = torch.autograd.grad(loss, list(model.parameters()))
    norm = float(torch.stack([gradient.norm() for gradient in plain]).norm())
    assert norm > 1e-3

    with engine("cpu") as accelerator:
        learner = Learner(model, config.train, accelerator)
        *_, measured = learner.differentiate([batch]).tolist()
    assert measured == pytest.approx(norm, rel=1e-4)
    factor = min(1.0, largest / norm) if largest else 1.0
    for weight, gradient in zip(model.parameters(), plain, strict=True):
        torch.testing.assert_close(weight.grad, gradient * factor, rtol=1e-3, atol=1e-7)
