"""What `srkit train --dry-run` prints: what a run would take, as a table or as JSON."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from srkit.cli.processes import is_main_process

if TYPE_CHECKING:
    from srkit.training.config import TrainingConfig
    from srkit.training.estimate import Estimate


def print_estimate(config: "TrainingConfig", device: str, *, as_json: bool) -> None:
    """Measure and print; in a run of several processes each measures and the first prints.

    Raises: as `srkit.training.estimate.estimate`.
    """
    from srkit.training.estimate import estimate

    found = estimate(config, device=device)
    if is_main_process():
        typer.echo((to_json if as_json else to_table)(config, found))


def to_json(config: "TrainingConfig", found: "Estimate") -> str:
    """Give every number under its name, and the steps they are for."""
    numbers = {"name": config.name, "steps": config.train.total_iter} | asdict(found)
    if found.scale is not None:
        numbers["multiply_adds_per_output_megapixel"] = _per_megapixel(found, found.scale)
    return json.dumps(numbers, indent=2)


def _per_megapixel(found: "Estimate", scale: int) -> float:
    return found.multiply_adds * 1e6 / scale**2


def to_table(config: "TrainingConfig", found: "Estimate") -> str:
    """Give a line for every number, aligned."""
    steps = config.train.total_iter
    sets = ", ".join(f"{name} ({images:,})" for name, images in found.validation.items())
    rows = {
        **_about_network(config, found),
        "start": found.taken or "random weights",
        "images" if found.scale is None else "HR images": f"{found.images:,}",
        "decoded images": "unknown until they are downloaded"
        if found.decoded is None
        else f"{found.decoded / 2**20:,.0f} MiB",
        "validation images": sets or "none",
        **({"not downloaded yet": ", ".join(found.absent)} if found.absent else {}),
        **_stages(found),
        "memory of a step": f"{found.memory / 2**20:,.0f} MiB with the program, without the images",
        "all steps": f"{found.seconds / 3600:.2f} hours for {steps:,} steps, without validation",
    }
    width = max(map(len, rows))
    return "\n".join(f"{label:<{width}}  {value}" for label, value in rows.items())


def _about_network(config: "TrainingConfig", found: "Estimate") -> dict[str, str]:
    from srkit.training.wording import count_of

    run = f"{config.name}, {config.network_g.type}"
    parameters = count_of(found.parameters, found.trained_parameters)
    if found.scale is None:
        return {
            "run": f"{run}, {found.classes} classes",
            "parameters": parameters,
            "multiply-adds, an image": f"{found.multiply_adds / 1e6:,.1f} M",
        }
    field = found.receptive_field
    per_megapixel = _per_megapixel(found, found.scale)
    return {
        "run": f"{run}, x{found.scale}",
        "parameters": parameters,
        "multiply-adds, an LR pixel": f"{found.multiply_adds:,.0f}",
        "multiply-adds, an output megapixel": f"{per_megapixel / 1e9:,.2f} G",
        "receptive field": "the whole image" if field is None else f"{field} LR pixels around",
    }


def _stages(found: "Estimate") -> dict[str, str]:
    """Say what a step takes and how many a second has; where patches grow, of each size."""
    what, pixels = ("images", "pixels") if found.scale is None else ("patches", "LR pixels")
    rows, first = {}, 0
    for stage in found.stages:
        size = f"{stage.patches} {what} of {stage.patch_size}x{stage.patch_size} {pixels}"
        pace = f"{stage.steps_per_second:.2f} steps/s, on noise drawn as images are"
        if len(found.stages) == 1:
            return {"a step": size, "pace": pace}
        rows[f"a step, from {first:,} on"] = f"{size}, {pace}"
        first += stage.steps
    return rows
