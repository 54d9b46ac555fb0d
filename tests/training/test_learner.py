"""A learner's step: the gradient it leaves, what it tells, and where a state is put back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from srkit.data.batches import Batch
from srkit.models import build_model
from srkit.training.config import Training
from srkit.training.engine import engine
from srkit.training.learner import Learner, lay_kernels_out
from srkit.training.state import Counters, read_state

Make = Callable[[Training], Learner]


@pytest.fixture
def accelerator() -> Iterator[Accelerator]:
    with engine("cpu") as found:
        yield found


@pytest.fixture
def make(accelerator: Accelerator) -> Make:
    def learner(recipe: Training) -> Learner:
        torch.manual_seed(0)
        model = build_model("sr_network", {"features": 8, "blocks": 1, "scale": 2})
        return Learner(model, recipe, accelerator)

    return learner


def batch() -> Batch:
    chance = torch.Generator().manual_seed(1)
    return Batch(
        torch.rand(2, 3, 8, 8, generator=chance), torch.rand(2, 3, 16, 16, generator=chance)
    )


def test_tells_the_terms_and_the_norm_of_the_gradient(make: Make) -> None:
    learner = make(Training(losses={"l1": 0.5, "l2": 2.0}, clip_grad_norm=0.01))
    assert learner.names == ("total", "l1", "l2")
    total, l1, l2, norm = learner.differentiate([batch(), batch()]).tolist()
    difference = learner.model(batch().lr) - batch().hr
    assert l1 == pytest.approx(difference.abs().mean().item(), rel=1e-5)
    assert l2 == pytest.approx(difference.square().mean().item(), rel=1e-5)
    assert total == pytest.approx(0.5 * l1 + 2 * l2, rel=1e-5)
    clipped = [weight.grad.clone() for weight in learner.trained if weight.grad is not None]
    learner.model.zero_grad()
    (0.5 * difference.abs().mean() + 2 * difference.square().mean()).backward()
    whole = [weight.grad for weight in learner.trained if weight.grad is not None]
    length = torch.stack([gradient.norm() for gradient in whole]).norm()
    assert norm == pytest.approx(length.item(), rel=1e-4)
    assert norm > 0.01
    for short, gradient in zip(clipped, whole, strict=True):
        torch.testing.assert_close(short, gradient * 0.01 / length, rtol=1e-3, atol=1e-7)


def test_the_average_follows_at_its_decay(make: Make) -> None:
    learner = make(Training(ema_decay=0.9))
    before = learner.average.model.state_dict()["head.predict.weight"].clone()
    learner.differentiate([batch()])
    learner.update(100, 1e-2)
    now = learner.model.state_dict()["head.predict.weight"]
    averaged = learner.average.model.state_dict()["head.predict.weight"]
    assert not torch.equal(now, before)
    torch.testing.assert_close(averaged, 0.9 * before + 0.1 * now)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sr_network", {"features": 16, "blocks": 1, "expansion": 16, "attention": "se"}),
        ("sr_network", {"features": 16, "blocks": 1, "block": "cmt"}),
        ("sr_network", {"features": 16, "blocks": 1, "block": "halo"}),
        ("lpae", {}),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_fused_steps_are_those_of_one_operation_after_the_other(
    name: str, settings: dict[str, object], precision: str
) -> None:
    """As they are where gradients lie in memory as their weights do: see optimizers.py."""
    torch.manual_seed(0)
    model = build_model(name, settings)
    scale = model.scale
    images = Batch(torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16 * scale, 16 * scale))
    with engine("cpu", precision) as accelerator:
        learner = Learner(model, Training(), accelerator)
        copies = [weight.detach().clone().requires_grad_() for weight in learner.trained]
        plain = torch.optim.AdamW(
            copies, lr=1e-2, betas=(0.9, 0.99), weight_decay=0.0, foreach=False, fused=False
        )
        for step in range(2):
            learner.differentiate([images, images])
            for copy, weight in zip(copies, learner.trained, strict=True):
                assert weight.grad is not None
                copy.grad = weight.grad.clone()
            learner.update(step, 1e-2)
            plain.step()
    for weight, copy in zip(learner.trained, copies, strict=True):
        torch.testing.assert_close(weight, copy, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["AdamW", "Muon"])
def test_a_state_is_put_back_in_the_layout_it_had(
    make: Make, tmp_path: Path, optimizer: str
) -> None:
    recipe = Training.model_validate({"optim_g": {"type": optimizer}})
    first = make(recipe)
    first.differentiate([batch()])
    first.update(0, 1e-3)
    first.save(tmp_path, Counters(step=1))
    found = read_state(tmp_path)
    assert found is not None
    second = make(recipe)
    second.restore(*found)
    compared = 0
    for ours, theirs in zip(second.trained, first.trained, strict=True):
        assert torch.equal(ours, theirs)
        assert ours.stride() == theirs.stride()
        for key, value in first.optimizer.state[theirs].items():
            again = second.optimizer.state[ours][key]
            assert torch.equal(again, value)
            assert again.stride() == value.stride()
            compared += again.dim() == 4 and again.is_contiguous(memory_format=torch.channels_last)
    assert compared


def test_kernels_lie_channels_last_beside_those_of_experts() -> None:
    model = build_model(
        "sr_network", {"scale": 2, "features": 8, "blocks": 1, "attention": "condconv"}
    )
    lay_kernels_out(model)
    kernels = [weight for weight in model.parameters() if weight.dim() == 4]
    assert {weight.dim() for weight in model.parameters()} >= {4, 5}
    assert all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
