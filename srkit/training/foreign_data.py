"""The data sets of option files of BasicSR, Real-ESRGAN and traiNNer-redux."""

from typing import Any

from srkit.training.foreign_options import Options

TRAIN = "datasets.train"
# The same under other names, BasicSR's once.
OLDER = {
    "use_flip": "use_hflip",
    "batch_size": "batch_size_per_gpu",
    "n_workers": "num_worker_per_gpu",
    "num_worker": "num_worker_per_gpu",
}


def training_images(options: Options, scale: Any) -> dict[str, Any]:
    """Translate `datasets.train`, but not how LR images are made."""
    found: dict[str, Any] = {}
    for key in (
        "name",
        "dataroot_gt",
        "dataroot_lq",
        "batch_size_per_gpu",
        "num_worker_per_gpu",
        "use_rot",
        "use_hflip",
    ):
        value = options.take(f"{TRAIN}.{key}")
        if value is not None:
            found[key] = value
    for older, key in OLDER.items():
        value = options.take(f"{TRAIN}.{older}")
        if value is not None:
            found.setdefault(key, value)
    _find_databases(options, TRAIN)
    size = _patch(options, scale)
    return found if size is None else found | {"gt_size": size}


def _find_databases(options: Options, place: str) -> None:
    """Say which folders of a data set are databases: only their owner knows the images' folder."""
    for key in (f"{place}.dataroot_gt", f"{place}.dataroot_lq"):
        if any(str(root).endswith(".lmdb") for root in _listed(options.see(key))):
            options.doubt(key, "srkit reads no LMDB: give the folder of its images")


def _patch(options: Options, scale: Any) -> Any:
    """Find the side of an HR patch: Real-ESRGAN cuts the last patch by the key at the top."""
    top, own = options.take("gt_size"), options.take(f"{TRAIN}.gt_size")
    small = options.take(f"{TRAIN}.lq_size")
    if top is not None and own is not None and top != own:
        options.drop(f"{TRAIN}.gt_size", f"patches are cut to the gt_size at the top, {top}")
    if isinstance(small, int) and isinstance(scale, int) and top is None and own is None:
        return small * scale
    if small is not None:
        options.drop(f"{TRAIN}.lq_size", "gt_size says it too, or there is no scale")
    return own if top is None else top


def validation_sets(options: Options) -> list[dict[str, Any]]:
    """Translate `datasets.val`, `datasets.val_1` and so on; a list of folders is as many sets."""
    found: list[dict[str, Any]] = []
    enabled = options.take("val.val_enabled")
    for key in options.values["datasets"]:
        place = f"datasets.{key}"
        if not str(key).startswith("val"):
            continue
        if enabled is False:
            options.drop(place, "val.val_enabled is false")
            continue
        if options.see(f"{place}.dataroot_gt") is None:
            options.drop(place, "srkit validates against HR images, and this set has none")
            continue
        _find_databases(options, place)
        name = options.take(f"{place}.name")
        hr = _listed(options.take(f"{place}.dataroot_gt"))
        lr = _listed(options.take(f"{place}.dataroot_lq"))
        if lr and len(lr) != len(hr):
            options.drop(f"{place}.dataroot_lq", f"{len(lr)} folders for {len(hr)} of dataroot_gt")
            lr = []
        for index, root in enumerate(hr):
            one = {"dataroot_gt": root}
            if lr:
                one["dataroot_lq"] = lr[index]
            if name is not None:
                one["name"] = _free(str(name), [other.get("name") for other in found])
            found.append(one)
    return found


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _free(name: str, used: list[str | None]) -> str:
    """Give the name, or the name and the first number from 2 on that is not used."""
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name}-{number}"
    return free
