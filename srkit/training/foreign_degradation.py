"""The degradations of option files of Real-ESRGAN and traiNNer-redux.

Real-ESRGAN has no defaults, its published numbers are srkit's; traiNNer-redux has milder ones. It
alone has the key `high_order_degradation`, so where that is true they stand for what is left out.
It draws the sizes of kernels from `kernel_range` and makes no use of its `blur_kernel_size`.

Sources: https://github.com/the-database/traiNNer-redux, traiNNer/utils/redux_options.py and
traiNNer/data/realesrgan_dataset.py
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from srkit.data.degradations.rounds import LARGEST_KERNEL, SMALLEST_KERNEL
from srkit.data.degradations.second_order import SecondOrder
from srkit.training.config_check import reason
from srkit.training.foreign_data import TRAIN
from srkit.training.foreign_keys import reason_for
from srkit.training.foreign_options import Options
from srkit.training.yaml_text import flow

RENAMED = {"blur_prob2": "second_blur_prob"}  # traiNNer-redux's name for it
PAIRS = (("kernel_list", "kernel_prob"), ("kernel_list2", "kernel_prob2"))

_EITHER_ROUND: Mapping[str, Any] = {
    "sinc_prob": 0,
    "gaussian_noise_prob": 0,
    "noise_range": [0, 0],
    "poisson_scale_range": [0, 0],
    "gray_noise_prob": 0,
    "jpeg_range": [75, 95],
}
# traiNNer-redux's defaults, where they are others than `SecondOrder` has.
DEFAULTS: Mapping[str, Any] = {
    **_EITHER_ROUND,
    "blur_sigma": [0.2, 2],
    "resize_range": [0.4, 1.5],
    **{f"{name}2": value for name, value in _EITHER_ROUND.items()},
    "blur_sigma2": [0.2, 1],
    "resize_range2": [0.6, 1.2],
    "second_blur_prob": 0,
    "final_sinc_prob": 0,
}
# Its defaults that srkit has no place for, or no good one.
KERNEL_RANGE = [5, 17]
_MODES = ["bilinear", "bicubic", "nearest-exact", "lanczos"]
PLACELESS: Mapping[str, Any] = {
    "blur_prob": 0,
    "resize_mode_list": _MODES,
    "resize_mode_list2": _MODES,
    "resize_mode_list3": _MODES,
    f"{TRAIN}.kernel_range": KERNEL_RANGE,
    f"{TRAIN}.kernel_range2": KERNEL_RANGE,
    f"{TRAIN}.final_kernel_range": KERNEL_RANGE,
}
# The size of a kernel is nothing to who never has one.
CHANCES = {
    f"{TRAIN}.kernel_range2": "second_blur_prob",
    f"{TRAIN}.final_kernel_range": "final_sinc_prob",
}


def degradation(options: Options, scale: int) -> dict[str, Any]:
    """Translate Real-ESRGAN's degradation, wherever its keys stand."""
    places = {
        place: RENAMED.get(name, name)
        for name in (*SecondOrder.model_fields, *RENAMED)
        for place in (name, f"{TRAIN}.{name}")
        if name not in ("scale", "jpeg_codec") and options.see(place) is not None
    }
    asked = options.take("high_order_degradation")
    given = options.see(f"{TRAIN}.dataroot_lq") is not None
    if not places and not asked:
        return {}
    if given or asked is False:
        if asked:
            options.drop("high_order_degradation", "LR images are given")
        for place in places:
            options.drop(place, "LR images are given" if given else "high_order_degradation: false")
        return {}
    settings = {name: options.take(place) for place, name in places.items()}
    sizes = _largest_kernels(options) if asked else {}
    refused = _refused(settings, scale)
    for name in sizes:
        refused[name] = f"traiNNer-redux goes by {name.replace('blur_kernel_size', 'kernel_range')}"
    for place, name in places.items():
        if name in refused:
            options.drop(place, refused[name])
            settings.pop(name, None)
    if asked:
        settings = {**DEFAULTS, **settings, **sizes}
        _say_what_defaults_are_lost(options, settings)
    return {"degradation": {"type": "second_order", **settings}}


def _largest_kernels(options: Options) -> dict[str, int]:
    """Give how large kernels become for traiNNer-redux, as far as srkit's can."""
    found = {}
    for end in ("", "2"):
        key = f"{TRAIN}.kernel_range{end}"
        ends = options.see(key)
        whole = isinstance(ends, list) and ends and all(isinstance(one, int) for one in ends)
        largest = min(max(SMALLEST_KERNEL, *(ends if whole else KERNEL_RANGE)), LARGEST_KERNEL)
        found[f"blur_kernel_size{end}"] = largest
        if ends == [SMALLEST_KERNEL, largest]:
            options.take(key)
    return found


def _say_what_defaults_are_lost(options: Options, settings: Mapping[str, Any]) -> None:
    for place, value in PLACELESS.items():
        never = place in CHANCES and settings[CHANCES[place]] == 0
        if options.see(place) is None and not never:
            options.drop(place, f"traiNNer-redux's default, {flow(value)}: {reason_for(place)}")


def _refused(settings: Mapping[str, Any], scale: int) -> dict[str, str]:
    """Give the settings that srkit's degradation cannot have, with the reason.

    Kernels and their chances are two lists of one length: without the one the other says nothing.
    """
    try:
        SecondOrder.model_validate({"scale": scale, **settings})
    except ValidationError as error:
        problems = error.errors(include_url=False)
    else:
        return {}
    found = {str(one["loc"][0]): reason(one) for one in problems if one["loc"]}
    for names, chances in PAIRS:
        for one, other in ((names, chances), (chances, names)):
            if one in found:
                found.setdefault(other, f"{one} is not carried over")
    return found
