"""The runs that are in a folder of runs."""

from difflib import SequenceMatcher
from pathlib import Path

from srkit.errors import ConfigError

CONFIGURATION = "config.yml"
SHOWN = 5  # runs named when another is not there


def require_run(output: Path, name: str) -> Path:
    """Give the folder of a run that is there.

    Raises: ConfigError naming the runs that are there, the nearest first.
    """
    folder = output / name
    if (folder / CONFIGURATION).is_file():
        return folder
    runs = [path.parent.name for path in output.glob(f"*/{CONFIGURATION}")]
    runs.sort(key=lambda run: (-SequenceMatcher(None, run, name).ratio(), run))
    more = f" and {len(runs) - SHOWN} more" if len(runs) > SHOWN else ""
    raise ConfigError(
        f"--resume: there is no run in {folder}",
        hint=f"runs in {output}: {', '.join(runs[:SHOWN])}{more}"
        if runs
        else f"no run in {output} yet: start one without --resume",
    )
