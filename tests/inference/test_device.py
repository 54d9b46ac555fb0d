"""Devices and precisions by name."""

import pytest
import torch

from srkit.errors import ConfigError
from srkit.inference.device import arithmetic, choose_device, dtype_of


def test_auto_is_a_device_that_works() -> None:
    assert torch.ones(2, device=choose_device("auto")).sum().item() == 2


def test_cpu_by_name() -> None:
    assert choose_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "", "cpu:1", "meta", "CPU 0"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is not available here") as caught:
        choose_device(name)
    assert "cpu" in (caught.value.hint or "")


def test_unknown_precision_names_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"'float8'.*auto, float32, float16, bfloat16"):
        dtype_of("float8")  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_arithmetic_is_in_the_type_asked_for(dtype: torch.dtype) -> None:
    layer = torch.nn.Conv2d(3, 3, 3)
    with arithmetic(torch.device("cpu"), dtype):
        result = layer(torch.ones(1, 3, 8, 8))
    assert result.dtype == dtype
    assert not result.requires_grad


def test_float32_means_float32_within_somebody_elses_autocast() -> None:
    layer = torch.nn.Conv2d(3, 3, 3)
    with (
        torch.autocast("cpu", torch.bfloat16),
        arithmetic(torch.device("cpu"), torch.float32),
    ):
        assert layer(torch.ones(1, 3, 8, 8)).dtype == torch.float32
