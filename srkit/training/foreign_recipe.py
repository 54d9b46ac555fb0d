"""`train` of option files of BasicSR, Real-ESRGAN and traiNNer-redux."""

from collections.abc import Mapping
from typing import Any

from srkit.training.foreign_options import Options, number

LOSSES = {"l1loss": "l1", "mseloss": "l2", "charbonnierloss": "charbonnier"}
OPTIMIZERS = ("Adam", "AdamW")
TORCH_BETAS = [0.9, 0.999]
TORCH_DECAY = {"Adam": 0.0, "AdamW": 0.01}
TORCH_GAMMA = 0.1
PIXEL = "train.pixel_opt"
SETTINGS = {"reduction": "mean"}  # of srkit's losses


def recipe(options: Options) -> dict[str, Any]:
    """Translate steps, optimiser, schedule, losses, averaging and precision."""
    found: dict[str, Any] = {
        "optim_g": _optimizer(options),
        "scheduler": _scheduler(options),
        "losses": _losses(options),
        "ema_decay": options.take("train.ema_decay") or 0.0,
    }
    steps = options.take("train.niter")  # BasicSR's name for it, once
    steps = options.take("train.total_iter") or steps
    if steps is not None:
        found["total_iter"] = steps
    warmup = options.take("train.warmup_iter")
    found["warmup_iter"] = 0 if warmup is None or warmup == -1 else warmup
    # BasicSR never limits the gradient, traiNNer-redux to 1 if asked to.
    found["clip_grad_norm"] = 1.0 if options.take("train.grad_clip") else 0.0
    for key in ("datasets.train.accum_iter", "train.accum_iter"):
        shares = options.take(key)
        if shares is not None:
            found["accumulate"] = shares
    amp, bfloat = options.take("use_amp"), options.take("amp_bf16")
    if amp:
        found["precision"] = "bfloat16" if bfloat else "float16"
    if options.take("use_compile"):
        found["compile"] = True
    return found


def _optimizer(options: Options) -> dict[str, Any]:
    place = "train.optim_g"
    kind = options.take(f"{place}.type")
    if kind not in OPTIMIZERS:
        if kind is not None:
            options.drop(place, f"srkit has no {kind}: its own AdamW takes its place")
        return {}
    found: dict[str, Any] = {"type": kind}
    rate = options.take(f"{place}.lr")
    if rate is not None:
        found["lr"] = rate
    decay, betas = options.take(f"{place}.weight_decay"), options.take(f"{place}.betas")
    found["weight_decay"] = TORCH_DECAY[kind] if decay is None else decay
    found["betas"] = TORCH_BETAS if betas is None else betas
    return found


def _scheduler(options: Options) -> dict[str, Any]:
    place = "train.scheduler"
    kind = options.take(f"{place}.type")
    if kind in ("MultiStepLR", "MultiStepRestartLR") and options.see(f"{place}.milestones"):
        gamma = options.take(f"{place}.gamma")
        return {
            "type": "MultiStepLR",
            "milestones": options.take(f"{place}.milestones"),
            "gamma": TORCH_GAMMA if gamma is None else gamma,
        }
    if kind in ("CosineAnnealingLR", "CosineAnnealingRestartLR"):
        for key in ("periods", "T_max"):
            _end_of_cosine(options, f"{place}.{key}")
        lowest = options.take(f"{place}.eta_min")
        if kind == "CosineAnnealingRestartLR" and options.take(f"{place}.restart_weights") not in (
            None,
            [1],
        ):
            options.drop(f"{place}.restart_weights", "srkit's cosine has no restarts")
        return {"type": "CosineAnnealingLR", "eta_min": 0.0 if lowest is None else lowest}
    if kind is None:
        return {"type": "Constant"}
    options.drop(place, f"srkit has no {kind}: a cosine down to 0 takes its place")
    return {"type": "CosineAnnealingLR"}


def _end_of_cosine(options: Options, key: str) -> None:
    ends = options.take(key)
    ends = ends if isinstance(ends, list) else [ends]
    steps = options.take("train.total_iter")
    if len(ends) > 1:
        options.drop(key, "srkit's cosine has no restarts: it is laid over the whole run")
    elif ends[0] not in (None, steps):
        options.drop(key, f"srkit's cosine ends with the run, after {steps} steps")


def _losses(options: Options) -> dict[str, Any]:
    """Translate `pixel_opt` and traiNNer-redux's list of losses."""
    found: dict[str, Any] = {}
    listed = options.see("train.losses")
    entries = {PIXEL: options.see(PIXEL)}
    if isinstance(listed, list):
        options.take("train.losses")
        entries |= {f"train.losses.{index}": entry for index, entry in enumerate(listed)}
    for place, entry in entries.items():
        if not isinstance(entry, Mapping):
            continue
        kind = str(entry.get("type"))
        weight = number(entry.get("loss_weight", 1.0))
        name = LOSSES.get(kind.lower())
        if weight == 0:
            options.drop(place, "its weight is 0")
        elif name is None:
            options.drop(place, f"srkit has no {kind}")
        else:
            found[name] = weight
            options.take(place)
            for key, value in entry.items():
                if key not in ("type", "loss_weight") and value != SETTINGS.get(key):
                    options.drop(f"{place}.{key}", "losses are means, and have no settings")
    return found
