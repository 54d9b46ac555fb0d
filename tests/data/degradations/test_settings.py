"""Settings of degradations that cannot work are refused in one line that says what would."""

from typing import Any

import pytest

from srkit.data.degradations import DEGRADATIONS, create_degradation
from srkit.errors import ConfigError

KEY = "datasets.train.degradation"


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        (
            {"type": "second-order"},
            f"{KEY}.type: unknown degradation 'second-order': choose one of bicubic, classical, "
            "second_order",
            "did you mean 'second_order'?",
        ),
        (
            {"blur_prob": 1},
            f"{KEY}: bicubic has no settings, got blur_prob",
            f"{KEY}.type: classical or second_order",
        ),
        (
            {"type": "classical", "blur_sigm": [1, 2]},
            f"{KEY}: 'blur_sigm' is not a setting of it: choose from blur_prob, blur_kernel_size, "
            "kernel_list, kernel_prob, blur_sigma, betag_range, betap_range, noise_prob, "
            "noise_range, gray_noise_prob, jpeg_prob, jpeg_range, jpeg_codec",
            "did you mean 'blur_sigma'?",
        ),
        (
            {"type": "classical", "blur_prob": 1.5},
            f"{KEY}.blur_prob: must be less than or equal to 1, got 1.5",
            None,
        ),
        (
            {"type": "classical", "noise_range": [5, 1]},
            f"{KEY}.noise_range: must be [lowest, highest], got [5, 1]",
            None,
        ),
        (
            {"type": "classical", "noise_range": 5},
            f"{KEY}.noise_range: must be [lowest, highest], got 5",
            None,
        ),
        (
            {"type": "classical", "noise_range": [-1, 1]},
            f"{KEY}.noise_range.0: must be greater than or equal to 0, got -1",
            None,
        ),
        (
            {"type": "classical", "blur_sigma": [0, 1]},
            f"{KEY}.blur_sigma.0: must be greater than 0, got 0",
            None,
        ),
        (
            {"type": "classical", "blur_sigma": [1, float("inf")]},
            f"{KEY}.blur_sigma.1: must be a finite number, got inf",
            None,
        ),
        (
            {"type": "second_order", "jpeg_range2": [30, 101]},
            f"{KEY}.jpeg_range2.1: must be less than or equal to 100, got 101",
            None,
        ),
        (
            {"type": "second_order", "blur_kernel_size": 23},
            f"{KEY}.blur_kernel_size: must be less than or equal to 21, got 23",
            None,
        ),
        (
            {"type": "classical", "kernel_list": ["iso", "anisotropic"]},
            f"{KEY}.kernel_list.1: must be 'iso', 'aniso', 'generalized_iso', "
            "'generalized_aniso', 'plateau_iso' or 'plateau_aniso', got 'anisotropic'",
            "did you mean 'aniso'?",
        ),
        (
            {"type": "classical", "jpeg_codec": "libjpg"},
            f"{KEY}.jpeg_codec: must be 'kornia' or 'libjpeg', got 'libjpg'",
            "did you mean 'libjpeg'?",
        ),
        (
            {"type": "second_order", "kernel_list2": ["iso"]},
            f"{KEY}: kernel_prob2 must have an entry for each of kernel_list2's 1, has 6",
            None,
        ),
        (
            {"type": "classical", "kernel_prob": [0, 0]},
            f"{KEY}: kernel_prob must not be all 0",
            None,
        ),
        (
            {"type": "second_order", "resize_prob": [0, 0, 0]},
            f"{KEY}: resize_prob must not be all 0",
            None,
        ),
    ],
)
def test_is_refused_by_name_value_and_what_would_work(
    settings: dict[str, Any], message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        create_degradation(settings, scale=4)
    assert str(caught.value) == message
    assert caught.value.hint == hint


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_the_scale_is_no_setting(kind: str) -> None:
    with pytest.raises(ConfigError, match="'scale' is not a setting of it"):
        create_degradation({"type": kind, "scale": 2}, scale=4)


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_every_setting_can_be_given(kind: str) -> None:
    standard = DEGRADATIONS[kind](scale=4)
    settings = standard.model_dump(exclude={"scale"}, mode="json")
    assert create_degradation({"type": kind, **settings}, scale=4) == standard
