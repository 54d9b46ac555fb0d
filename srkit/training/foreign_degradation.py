"""The degradations of option files of Real-ESRGAN and traiNNer-redux."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from srkit.data.degradations.second_order import SecondOrder
from srkit.training.config_check import reason
from srkit.training.foreign_data import TRAIN
from srkit.training.foreign_options import Options

RENAMED = {"blur_prob2": "second_blur_prob"}  # traiNNer-redux's name for it
PAIRS = (("kernel_list", "kernel_prob"), ("kernel_list2", "kernel_prob2"))


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
    refused = _refused(settings, scale)
    for place, name in places.items():
        if name in refused:
            options.drop(place, refused[name])
            settings.pop(name, None)
    return {"degradation": {"type": "second_order", **settings}}


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
