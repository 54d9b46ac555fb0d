"""Training a network that enlarges images, or rebuilds them, on patches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from srkit.data.batches import Batch
from srkit.data.degradations import create_degradation
from srkit.data.loader import StepSource
from srkit.models.folding import folded
from srkit.models.model import Model
from srkit.models.network import Network
from srkit.training.config import TrainingConfig
from srkit.training.log import SCORES
from srkit.training.network import create_network
from srkit.training.patches import PatchPlan
from srkit.training.run_images import noise_images, open_images, survey_images
from srkit.training.samples import choose_crops, render
from srkit.training.score import SetScore
from srkit.training.task import Surveys, Task
from srkit.training.validation import (
    ValidationSet,
    fetch_sets,
    find_sets,
    load_sets,
    validate,
)
from srkit.training.watch import Sample, Watcher


class SuperResolutionTask(Task):
    """Enlarge LR patches to HR patches.

    Raises: ConfigError for a setting; DataError for a validation set that is not there.
    """

    scores = SCORES

    def __init__(self, config: TrainingConfig, engine: Accelerator) -> None:
        self._config = config
        self._engine = engine
        root = config.datasets.data_root
        self._data_root = None if root is None else Path(root)
        self.network = self._model = create_network(config)
        scale = self._model.scale
        self._found_sets = find_sets(config.datasets.val, self._data_root, scale=scale)
        self.validated = bool(self._found_sets)
        self._degradation = create_degradation(config.datasets.train.degradation, scale=scale)
        self.plan = PatchPlan.of(config, scale=scale, processes=engine.num_processes)
        self._sets: list[ValidationSet] = []

    def open(self, prepared: Path, watcher: Watcher) -> StepSource[Batch]:
        """Download what is not there, then read the training images and the validation images."""
        scale, bands = self._model.scale, self._model.image_channels
        with self._engine.local_main_process_first():
            fetch_sets(self._found_sets, self._data_root, watcher)
        source = open_images(
            self._config,
            self.plan,
            self._degradation,
            self._engine,
            scale=scale,
            bands=bands,
            data_root=self._data_root,
            prepared=prepared,
            watcher=watcher,
        )
        self._sets = load_sets(self._found_sets, scale, bands)
        main = self._engine.is_main_process
        self._crops = [(one.name, choose_crops(one.pairs)) for one in self._sets] if main else []
        return source

    def survey(self) -> Surveys:
        """Find the images, pair them with LR images that are given, and count them."""
        scale, bands = self._model.scale, self._model.image_channels
        training = survey_images(
            self._config,
            self.plan,
            self._degradation,
            scale=scale,
            bands=bands,
            data_root=self._data_root,
        )
        return Surveys(
            training=training,
            validation={one.name: one.images(scale) for one in self._found_sets},
            absent=tuple(name for one in self._found_sets for name in one.absent),
        )

    def noise(self) -> StepSource[Batch]:
        """Draw patches of an image of noise; degradations degrade them."""
        scale, bands = self._model.scale, self._model.image_channels
        return noise_images(self._config, self.plan, self._degradation, scale=scale, bands=bands)

    def validate(self, average: Network) -> list[SetScore]:
        """Enlarge the validation images."""
        assert isinstance(average, Model)
        return [validate(average, one, self._engine) for one in self._sets]

    def samples(self, average: Network) -> Iterator[tuple[str, list[Sample]]]:
        """Enlarge crops of the validation images."""
        assert isinstance(average, Model)
        for name, chosen in self._crops:
            yield name, render(average, chosen)

    def released(self, average: Network) -> Network:
        """Give the network without what only training needs."""
        assert isinstance(average, Model)
        return folded(average)

    def facts(self) -> dict[str, Any]:
        """Give the scale."""
        return {"scale": self._model.scale}
