"""The folder of a run: where everything lies in it, and whose it is.

experiments/NAME/
    .srkit.lock         held while a process trains here
    config.yml          the whole configuration, as --config reads it
    command.txt         the commands that started the run and went on with it
    report.html         curves and samples
    models/             NAME.safetensors: the averaged weights as last validated
    training_states/    the last two states
    visualization/      samples of the validation sets
    log/                log.csv, log.jsonl, log.txt, tensorboard/
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from srkit.data.lock import NAME as LOCK
from srkit.errors import ConfigError, TrainingError
from srkit.files import TEMPORARY_PATTERN, write_atomically
from srkit.training.config import TrainingConfig
from srkit.training.config_check import parse_config, shown
from srkit.training.config_file import read_config, write_config
from srkit.training.patches import PatchPlan
from srkit.training.state import Counters, saved_states

# What may differ when a run goes on: it changes nothing of the outcome. The number of patches a
# step takes is compared by itself, so that processes can be traded for accumulated batches.
FREE = (
    "datasets.data_root",
    "datasets.train.batch_size_per_gpu",
    "datasets.train.num_worker_per_gpu",
    "datasets.train.cache",
    "train.accumulate",
    "train.compile",
    "logger.use_tb_logger",
    "logger.save_checkpoint_freq",
)


class RunFolder:
    """A run's own folder; nothing is written before it is `claimed`."""

    def __init__(self, folder: Path, config: TrainingConfig) -> None:
        self.folder = folder
        self.config = config
        self.configuration = folder / "config.yml"
        self.checkpoint = folder / "models" / f"{config.name}.safetensors"
        self.states = folder / "training_states"
        self.log = folder / "log"
        self.prepared = folder.parent / "prepared"

    @contextmanager
    def errors_named(self) -> Iterator[None]:
        """Turn what the disk refuses into one line that says so.

        Raises: TrainingError.
        """
        try:
            yield
        except OSError as error:
            hint = "--output DIR puts the run elsewhere"
            if saved_states(self.states):
                hint = "the states saved so far are whole: mend it and go on with --resume"
            elif self.configuration.exists():
                hint = f"mend it and begin again with --resume, or {hint}"
            raise TrainingError(
                f"{error.filename or self.folder}: cannot be written ({error.strerror or error})",
                hint=hint,
            ) from None

    def check(self, *, resume: bool) -> None:
        """Refuse to start over a run that is there, and to go on with another one.

        Raises: TrainingError for a folder in use; ConfigError naming the first difference.
        """
        if not resume:
            if saved_states(self.states) or self.checkpoint.exists():
                raise TrainingError(
                    f"{self.folder}: holds a run already",
                    hint="go on with it by --resume, or choose another --name",
                )
            return
        if not self.configuration.exists():
            return
        # Parsed, so that keys which came later have the values that were always meant.
        source = str(self.configuration)
        config = parse_config(read_config(self.configuration), source=source)
        theirs = _flat(config.model_dump(mode="json"))
        for key, value in _flat(self.config.model_dump(mode="json")).items():
            if key not in FREE and value != theirs.get(key):
                raise ConfigError(
                    f"{self.folder}: cannot resume with {key} {shown(value)}, the run has "
                    f"{shown(theirs.get(key))}",
                    hint="choose another --name for a new run; --pretrained "
                    f"{self.checkpoint} starts it from this one's weights",
                )

    def check_patches(self, counters: Counters, plan: PatchPlan) -> None:
        """Refuse to go on with another number of patches a step.

        Raises: ConfigError saying how many it took.
        """
        patches = plan.patches(counters.step)
        if counters.patches not in (0, patches):
            raise ConfigError(
                f"{self.folder}: a step took {counters.patches} patches, now it would take "
                f"{patches}",
                hint="batch_size_per_gpu times accumulate times processes must stay the same",
            )

    @contextmanager
    def claimed(self, command: str) -> Iterator[None]:
        """Hold the folder: sweep up after a kill, write configuration and command.

        The system gives it back when the process ends, however it ends.

        Raises: TrainingError when another process holds it; OSError when it cannot be written.
        """
        for part in (self.folder / "models", self.states, self.log):
            part.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise TrainingError(
                f"{self.folder}: another process is training here",
                hint="wait until it ends, or choose another --name",
            ) from None
        try:
            self.sweep()
            commands = self._commands()
            if command and command not in commands:
                commands.append(command)
            _write(self.folder / "command.txt", "".join(line + "\n" for line in commands))
            _write(self.configuration, write_config(self.config))
            yield
        finally:
            lock.release()

    def sweep(self) -> None:
        """Remove the temporaries that a kill left behind.

        Raises: OSError when one cannot be removed.
        """
        for torn in self.folder.rglob(TEMPORARY_PATTERN):
            torn.unlink(missing_ok=True)

    def command(self) -> str:
        """Give the command that started the run."""
        return next(iter(self._commands()), "")

    def _commands(self) -> list[str]:
        path = self.folder / "command.txt"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _write(path: Path, text: str) -> None:
    write_atomically(path, lambda file: file.write(text.encode()))


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Give nested settings by their dotted keys; lists are values."""
    if not isinstance(values, dict) or not values:
        return {prefix: values}
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}.{key}" if prefix else str(key))
    return flat
