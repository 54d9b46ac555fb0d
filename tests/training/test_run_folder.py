"""What the disk refuses is told with what helps at that point of a run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from srkit.errors import TrainingError
from srkit.training.config import TrainingConfig
from srkit.training.loop import train
from srkit.training.run_folder import RunFolder

Configure = Callable[..., TrainingConfig]


def hint(run: RunFolder) -> str | None:
    refused = pytest.raises(TrainingError, match=r"cannot be written \(No space left\)")
    with refused as caught, run.errors_named():
        raise OSError(28, "No space left")
    return caught.value.hint


def test_a_full_disk_is_told_with_what_helps(configure: Configure, tmp_path: Path) -> None:
    config = configure({"train.total_iter": 1, "datasets.val": []})
    run = RunFolder(tmp_path / "run", config)
    assert hint(run) == "--output DIR puts the run elsewhere"
    train(config, run.folder)
    assert str(hint(run)).startswith("the states saved so far are whole")
    for state in run.states.iterdir():
        state.unlink()
    # The folder is taken by now: beginning in it needs --resume.
    assert hint(run) == (
        "mend it and begin again with --resume, or --output DIR puts the run elsewhere"
    )
