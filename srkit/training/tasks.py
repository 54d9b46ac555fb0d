"""The task that a configuration describes: which of them, by what its network is for."""

from accelerate import Accelerator

from srkit.errors import ConfigError
from srkit.training.classification import ClassificationTask
from srkit.training.config import TrainingConfig
from srkit.training.network import is_classifier
from srkit.training.super_resolution import SuperResolutionTask
from srkit.training.task import Task


def create_task(config: TrainingConfig, engine: Accelerator) -> Task:
    """Make the task of a run, before any image is read; a classifier's classes must be known.

    Raises: ConfigError for a setting; DataError for images that are not there.
    """
    task: Task
    if is_classifier(config):
        task = ClassificationTask(config, engine)
    else:
        task = SuperResolutionTask(config, engine)
    if config.train.early_stop is not None and not task.validated:
        raise ConfigError(
            "train.early_stop: there is no validation set to watch", hint="--validation Set5"
        )
    return task
