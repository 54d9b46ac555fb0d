"""The report of a run, `report.html`: its curves, samples, scores and settings in one file.

It is made of what lies in the run's folder, so it can be made again at any time.
"""

from pathlib import Path
from typing import Any

import torch

from srkit.errors import TrainingError
from srkit.files import write_atomically
from srkit.models.cost import parameters
from srkit.models.network import Network
from srkit.training.config_check import parse_config
from srkit.training.config_file import read_config
from srkit.training.log import read_rows
from srkit.training.network import create_classifier, create_network, is_classifier
from srkit.training.report_page import Record, page
from srkit.training.run_folder import RunFolder
from srkit.training.state import Counters, read_state
from srkit.training.strips import find_strips


def write_report(folder: Path) -> Path:
    """Write `report.html` into a run's folder from what lies there; give its path.

    Raises: TrainingError when there is no run in the folder; ConfigError when its configuration
        is not one; OSError when something cannot be read or written.
    """
    text = page(_read(folder))
    path = folder / "report.html"
    # Folders may have names that are no text.
    data = text.encode(errors="backslashreplace")
    write_atomically(path, lambda file: file.write(data))
    return path


def _read(folder: Path) -> Record:
    configuration = folder / "config.yml"
    if not configuration.is_file():
        raise TrainingError(f"{folder}: no run here", hint="a run's folder holds a config.yml")
    config = parse_config(read_config(configuration))
    run = RunFolder(folder, config)
    rows = read_rows(run.log)
    try:
        found = read_state(run.states)
    except TrainingError:  # every state is damaged: the log remains
        found = None
    counters = found[0] if found else Counters(step=max((row["step"] for row in rows), default=0))
    scale, classes = 1, 0
    with torch.device("meta"):  # to be counted, not computed with
        if is_classifier(config):
            network: Network = create_classifier(config)
            classes = len(config.network_g.settings["classes"])
        else:
            network = model = create_network(config)
            scale = model.scale
    scores: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if "set" in row:
            scores.setdefault(row["set"], []).append(row)
    command = folder / "command.txt"
    return Record(
        config=config,
        counters=counters,
        finished=counters.finished(config.train),
        parameters=parameters(network),
        trained_parameters=sum(weight.numel() for weight in network.parameters()),
        scale=scale,
        classes=classes,
        losses=[row for row in rows if "loss" in row],
        scores=scores,
        strips=find_strips(folder / "visualization"),
        settings=configuration.read_text(encoding="utf-8"),
        commands=command.read_text(encoding="utf-8") if command.exists() else "",
    )
