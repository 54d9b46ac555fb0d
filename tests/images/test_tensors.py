"""Samples to tensors and back."""

from typing import Any

import numpy as np
import pytest
import torch

from srkit.images import from_tensor, to_tensor

from . import image_making as make


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_sample_comes_back(dtype: Any) -> None:
    levels = int(np.iinfo(dtype).max) + 1
    samples = np.arange(levels, dtype=dtype).reshape(-1, 16, 1)
    image = to_tensor(samples)
    assert image.dtype == torch.float32
    assert image.shape == (1, 1, levels // 16, 16)
    assert (image.min().item(), image.max().item()) == (0, 1)
    expected = torch.arange(levels, dtype=torch.float64) / (levels - 1)
    torch.testing.assert_close(image.flatten().double(), expected, rtol=0, atol=6e-8)
    np.testing.assert_array_equal(from_tensor(image, dtype), samples)


def test_channels_move_in_front() -> None:
    samples = make.noise(5, 7, 3)
    image = to_tensor(samples)
    assert image.shape == (1, 3, 5, 7)
    assert image.is_contiguous()
    for channel in range(3):
        np.testing.assert_array_equal(
            (image[0, channel].numpy() * 255).round().astype(np.uint8), samples[..., channel]
        )


def test_samples_that_may_not_be_changed_are_copied_without_a_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    samples = make.noise(5, 7, 1)
    samples.flags.writeable = False
    to_tensor(samples).add_(1)
    assert not recwarn.list


def test_values_outside_are_clamped_and_halves_go_to_the_even_sample() -> None:
    values = torch.tensor([-0.1, 0.0, 0.5 / 255, 1.5 / 255, 2.5 / 255, 0.999, 1.0, 7.0, torch.inf])
    image = values.double().reshape(1, 1, 1, -1).float()
    samples = from_tensor(image, np.uint8)
    assert samples.dtype == np.uint8
    assert samples[0, :, 0].tolist() == [0, 0, 0, 2, 2, 255, 255, 255, 255]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype) -> None:
    image = torch.tensor([0.0, 0.5, 1.0], dtype=dtype).reshape(1, 3, 1, 1)
    assert from_tensor(image, np.uint16)[0, 0].tolist() == [0, 32768, 65535]


def test_what_is_not_a_number_has_no_sample() -> None:
    image = torch.zeros(1, 1, 2, 2)
    image[0, 0, 1, 1] = torch.nan
    with pytest.raises(ValueError, match="not numbers"):
        from_tensor(image, np.uint8)


def test_one_image_at_a_time() -> None:
    for shape in [(2, 3, 4, 4), (3, 4, 4)]:
        with pytest.raises(ValueError, match="image must be"):
            from_tensor(torch.zeros(shape), np.uint8)
