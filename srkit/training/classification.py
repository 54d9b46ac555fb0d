"""Training a network that tells the classes of images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object

from srkit.data.batches import to_batch
from srkit.data.labelled_batches import LabelledBatch, LabelledSource
from srkit.data.labelled_files import LabelledFiles, find_labelled
from srkit.data.labelled_set import LabelledSet, load_labelled
from srkit.data.loader import StepSource
from srkit.data.part import Part, noise
from srkit.data.survey import Survey
from srkit.errors import ConfigError
from srkit.evaluation.labels import LabelNumbers, compare_labels
from srkit.layers.standardisation import Standardisation
from srkit.models.classifier import Classifier
from srkit.models.network import Network
from srkit.training.config import Network as NetworkConfig
from srkit.training.config import TrainingConfig
from srkit.training.engine import share_images
from srkit.training.learner import Learner
from srkit.training.network import create_classifier, is_classifier, require_unused
from srkit.training.patches import PatchPlan
from srkit.training.score import SetScore
from srkit.training.task import Surveys, Task
from srkit.training.watch import Watcher

THRESHOLD = 0.5
"""From this probability on an image counts as of a class, where it can have several."""
AT_ONCE = 32


@dataclass(frozen=True, kw_only=True)
class LabelScore(SetScore):
    """How well the classes of a set were told."""

    found: LabelNumbers
    multi_label: bool

    @property
    def numbers(self) -> dict[str, float]:
        """Give what the literature compares: accuracy for one label, micro F1 for several."""
        return {name: getattr(self.found, name) for name in numbers_of(self.multi_label)}


def numbers_of(multi_label: bool) -> tuple[str, ...]:
    """Name the numbers of a score."""
    first = "micro_f1" if multi_label else "accuracy"
    return (first, "macro_precision", "macro_recall", "macro_f1")


def with_classes(config: TrainingConfig) -> TrainingConfig:
    """Write down the classes that the training images of a classifier show, where none are given.

    Other configurations are given back as they are.

    Raises: ConfigError for keys that classifiers do not have; DataError as `find_labelled`.
    """
    if not is_classifier(config):
        return config
    require_unused(config)
    settings = config.network_g.settings
    if "classes" in settings and "multi_label" in settings:
        return config
    files = _training_files(config, settings.get("classes"))
    settings |= {"classes": list(files.classes), "multi_label": files.multi_label}
    network = NetworkConfig(type=config.network_g.type, **settings)
    return config.model_copy(update={"network_g": network})


def _training_files(config: TrainingConfig, classes: Sequence[str] | None) -> LabelledFiles:
    images = config.datasets.train
    return find_labelled(
        [Path(root) for root in images.dataroot_gt],
        classes=classes,
        multi_label=images.multi_label,
    )


class ClassificationTask(Task):
    """Tell the classes of images.

    Raises: ConfigError for a setting; DataError as `find_labelled`.
    """

    def __init__(self, config: TrainingConfig, engine: Accelerator) -> None:
        self._config = config
        self._engine = engine
        self.network = self._classifier = network = create_classifier(config)
        self._files = _training_files(config, network.classes)
        if self._files.multi_label != network.multi_label:
            raise ConfigError(
                f"network_g.multi_label: is {network.multi_label}, the training images are labelled"
                f" otherwise",
                hint="leave it out",
            )
        self._found_sets = [
            (
                one.name or Path(one.dataroot_gt).resolve().name,
                find_labelled(
                    [Path(one.dataroot_gt)],
                    classes=network.classes,
                    multi_label=network.multi_label,
                ),
            )
            for one in config.datasets.val
        ]
        self.validated = bool(self._found_sets)
        self.plan = PatchPlan.of(config, scale=1, processes=engine.num_processes)
        self._sets: list[tuple[str, LabelledSet]] = []
        self.scores = numbers_of(network.multi_label)

    def open(self, prepared: Path, watcher: Watcher) -> StepSource[LabelledBatch]:
        """Read the training images and then the validation images."""
        images, network = self._config.datasets.train, self._classifier
        with self._engine.local_main_process_first():  # what it prepares, the others find
            self._training = load_labelled(
                self._files,
                side=network.image_size,
                bands=network.image_channels,
                cache=images.cache,
                cache_folder=prepared,
                shared=share_images(self._engine, images.num_worker_per_gpu),
                progress=watcher.reading,
            )
        self._sets = [
            (name, load_labelled(files, side=network.image_size, bands=network.image_channels))
            for name, files in self._found_sets
        ]
        return self._source(self._training)

    def survey(self) -> Surveys:
        """Count the images, which were found by their names."""
        network = self._classifier
        found = len(self._files.paths)
        size = network.image_size**2 * network.image_channels
        size *= 1 if network.image_channels == 3 else 2  # bytes of a sample, mostly
        return Surveys(
            training=Survey(images=found, absent=(), decoded=found * size),
            validation={name: len(files.paths) for name, files in self._found_sets},
            absent=(),
        )

    def noise(self) -> StepSource[LabelledBatch]:
        """Draw squares of noise, all of one class."""
        network = self._classifier
        side, seed = network.image_size, self._config.manual_seed
        pixels = noise(side, side, network.image_channels, seed=seed)
        several = torch.zeros(1, len(network.classes))
        targets = several if network.multi_label else torch.zeros(1, dtype=torch.long)
        return self._source(
            LabelledSet(squares=[Part(folder=0, hr=pixels, lr=None)], targets=targets)
        )

    def _source(self, labelled: LabelledSet) -> LabelledSource:
        images = self._config.datasets.train
        return LabelledSource(
            labelled,
            batch_size=self.plan.patches,
            seed=self._config.manual_seed,
            use_hflip=images.use_hflip,
            use_rot=bool(images.use_rot),
            use_shift=images.use_shift,
        )

    def begin(self, learner: Learner) -> None:
        """Give networks that standardise their input the statistics of the training images."""
        layers = [
            layer
            for network in (learner.model, learner.average.model)
            for layer in network.modules()
            if isinstance(layer, Standardisation)
        ]
        if layers:
            statistics = self._training.statistics()
            for layer in layers:
                layer.adapt(*statistics)

    def validate(self, average: Network) -> list[SetScore]:
        """Classify the validation images."""
        assert isinstance(average, Classifier)
        rule = f"several labels, from {THRESHOLD}" if average.multi_label else "one label"
        return [
            LabelScore(
                set_name=name,
                protocol=rule,
                found=score_labels(average, labelled, self._engine),
                multi_label=average.multi_label,
            )
            for name, labelled in self._sets
        ]

    def released(self, average: Network) -> Network:
        """Give the network as it is."""
        return average


def score_labels(network: Classifier, labelled: LabelledSet, engine: Accelerator) -> LabelNumbers:
    """Compare a classifier's labels with a set's; every process takes its share of the images."""
    rank, processes = engine.process_index, engine.num_processes
    mine = range(rank, len(labelled), processes)
    rows: list[tuple[int, list[float]]] = []
    with torch.inference_mode():
        for start in range(0, len(mine), AT_ONCE):
            chosen = mine[start : start + AT_ONCE]
            images = to_batch([labelled.squares[index].hr for index in chosen])
            probabilities = network.probabilities(images.to(engine.device)).cpu()
            rows += zip(chosen, probabilities.tolist(), strict=True)
    chances = torch.tensor([row for _, row in sorted(gather_object(rows))])
    true = labelled.targets
    if network.multi_label:
        return compare_labels((chances >= THRESHOLD).numpy(), true.bool().numpy())
    known = torch.eye(chances.shape[1], dtype=torch.bool)
    return compare_labels(known[chances.argmax(dim=1)].numpy(), known[true].numpy())
