"""What `srkit train --dry-run` prints: what a run would take, as a table or as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from srkit.cli.processes import is_main_process

if TYPE_CHECKING:
    from srkit.training.config import TrainingConfig
    from srkit.training.estimate import Estimate


def print_estimate(
    config: "TrainingConfig", data_root: Path | None, device: str, *, as_json: bool
) -> None:
    """Measure and print; in a run of several processes each measures and the first prints.

    Raises: as `srkit.training.estimate.estimate`.
    """
    from srkit.training.estimate import estimate

    found = estimate(config, data_root=data_root, device=device)
    if is_main_process():
        typer.echo((to_json if as_json else to_table)(config, found))


def to_json(config: "TrainingConfig", found: "Estimate") -> str:
    """Give every number under its name, and the steps they are for."""
    numbers = {"name": config.name, "steps": config.train.total_iter} | asdict(found)
    numbers["multiply_adds_per_output_megapixel"] = _per_megapixel(found)
    return json.dumps(numbers, indent=2)


def _per_megapixel(found: "Estimate") -> float:
    return found.multiply_adds * 1e6 / found.scale**2


def to_table(config: "TrainingConfig", found: "Estimate") -> str:
    """Give a line for every number, aligned."""
    steps = config.train.total_iter
    field = found.receptive_field
    rows = {
        "run": f"{config.name}, {config.network_g.type}, x{found.scale}",
        "parameters": f"{found.parameters:,}",
        "multiply-adds, an LR pixel": f"{found.multiply_adds:,.0f}",
        "multiply-adds, an output megapixel": f"{_per_megapixel(found) / 1e9:,.2f} G",
        "receptive field": "the whole image" if field is None else f"{field} LR pixels around",
        "memory": f"{found.memory / 2**20:,.0f} MiB",
        "HR images": f"{found.images:,}",
        "a step": f"{found.patches} patches of {found.patch_size}x{found.patch_size} LR pixels",
        "pace": f"{found.steps_per_second:.2f} steps/s",
        "all steps": f"{found.seconds / 3600:.2f} hours for {steps:,} steps, without validation",
    }
    width = max(map(len, rows))
    return "\n".join(f"{label:<{width}}  {value}" for label, value in rows.items())
