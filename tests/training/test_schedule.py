"""The learning rate is what torch's schedulers give, as a pure function of the step."""

import pytest
import torch
from torch.optim import lr_scheduler

from srkit.training.config import Training
from srkit.training.schedule import learning_rate

STEPS = 40


def settings(scheduler: dict[str, object], warmup: int = 0) -> Training:
    return Training.model_validate(
        {
            "total_iter": STEPS,
            "warmup_iter": warmup,
            "optim_g": {"lr": 0.3},
            "scheduler": scheduler,
        }
    )


def of_torch(make: object, **options: object) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    scheduler = make(optimizer, **options)  # type: ignore[operator]
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            {"type": "CosineAnnealingLR", "eta_min": 0.01},
            lambda: of_torch(lr_scheduler.CosineAnnealingLR, T_max=STEPS, eta_min=0.01),
        ),
        (
            {"type": "MultiStepLR", "milestones": [10, 25], "gamma": 0.1},
            lambda: of_torch(lr_scheduler.MultiStepLR, milestones=[10, 25], gamma=0.1),
        ),
        ({"type": "Constant"}, lambda: [0.3] * STEPS),
    ],
)
def test_agrees_with_torch(ours: dict[str, object], theirs: object) -> None:
    rates = [learning_rate(step, settings(ours)) for step in range(STEPS)]
    assert rates == pytest.approx(theirs())  # type: ignore[operator]


def test_one_cycle_rises_then_falls() -> None:
    train = settings({"type": "OneCycleLR", "pct_start": 0.25, "eta_min": 0.001})
    rates = [learning_rate(step, train) for step in range(STEPS + 1)]
    assert rates[0] == pytest.approx(0.3 / 25)
    assert rates[10] == pytest.approx(0.3)
    assert rates[STEPS] == pytest.approx(0.001)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_warm_up_is_linear_and_reaches_the_highest_rate() -> None:
    train = settings({"type": "MultiStepLR", "milestones": [30]}, warmup=4)
    rates = [learning_rate(step, train) for step in (0, 1, 2, 3, 4, 29, 30)]
    assert rates == pytest.approx([0.075, 0.15, 0.225, 0.3, 0.3, 0.3, 0.15])
