"""What a run would take: asked before it starts, answered by doing a few steps of it.

The steps are real ones (drawing, forward, backward, optimiser, average), but of noise: images are
found, paired and measured by their headers, not read, and those that are not there are not
downloaded. Nothing is written. What a run would refuse before its first step, but for what is
wrong with the pixels of images, is refused here.
"""

import time
from dataclasses import dataclass

import psutil
import torch

from srkit.data.batches import Batch
from srkit.data.labelled_batches import LabelledBatch
from srkit.data.loader import StepSource
from srkit.models.classifier import Classifier
from srkit.models.cost import multiply_adds, multiply_adds_an_image, parameters
from srkit.models.model import Model
from srkit.training.classification import with_classes
from srkit.training.config import TrainingConfig
from srkit.training.engine import engine
from srkit.training.learner import Learner
from srkit.training.schedule import learning_rate
from srkit.training.task import Task
from srkit.training.tasks import create_task
from srkit.training.transfer import start_from

WARM_UP, TIMED = 2, 8  # steps


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Steps of a run that take patches of one size."""

    steps: int
    patches: int
    """Patches, or images of a classifier, that a step takes over all processes."""
    patch_size: int
    """Side of a patch in LR pixels; of a classifier's images."""
    steps_per_second: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A run's size and pace on this machine, by itself on it."""

    parameters: int
    """Of the checkpoint."""
    trained_parameters: int
    """While it is trained: more where kernels are over-parametrised."""
    multiply_adds: float
    """For each LR pixel; of a classifier for an image."""
    receptive_field: int | None
    """Radius in LR pixels; None = the whole image, as for all classifiers."""
    scale: int | None
    """None for classifiers."""
    classes: int | None
    """None for networks that enlarge."""
    taken: str | None
    """What would be taken over from the checkpoint to start from."""
    images: int
    """Images found to train on, with those that are not downloaded yet."""
    validation: dict[str, int]
    """Images of each validation set."""
    absent: list[str]
    """What would be downloaded."""
    decoded: int | None
    """Bytes of the decoded training images, in memory or in a file; None when some are absent."""
    stages: list[Stage]
    """In their order; one, unless patches grow in the run."""
    memory: int
    """Bytes without the images, for the largest patches: on a GPU the most that was allocated, else
    what the process held after a forward pass."""
    seconds: float
    """For all steps, without validation."""


def estimate(config: TrainingConfig, *, device: str = "auto") -> Estimate:
    """Take a few steps of the run a configuration describes, and say what all would take.

    Raises: ConfigError for a setting that cannot work; DataError for images that are not there, or
        LR images that do not belong to them; CheckpointError for the checkpoint to start from.
    """
    config = with_classes(config)
    with engine(device, config.train.precision) as accelerator:
        torch.manual_seed(config.manual_seed)
        task = create_task(config, accelerator)
        found = task.survey()
        network = task.network
        taken = start_from(config.path.pretrain_network_g, network)
        counted = parameters(network)
        if isinstance(network, Classifier):
            cost = multiply_adds_an_image(network)
        else:
            assert isinstance(network, Model)
            cost = multiply_adds(network)
        learner = Learner(network, config.train, accelerator)
        memory, stages = _measure(task, learner, config)
        return Estimate(
            parameters=counted,
            trained_parameters=sum(weight.numel() for weight in network.parameters()),
            multiply_adds=cost,
            receptive_field=network.receptive_field if isinstance(network, Model) else None,
            scale=network.scale if isinstance(network, Model) else None,
            classes=len(network.classes) if isinstance(network, Classifier) else None,
            taken=taken,
            images=found.training.images,
            validation=dict(found.validation),
            absent=[*found.training.absent, *found.absent],
            decoded=found.training.decoded,
            stages=stages,
            memory=memory,
            seconds=sum(stage.steps / stage.steps_per_second for stage in stages),
        )


def _measure(task: Task, learner: Learner, config: TrainingConfig) -> tuple[int, list[Stage]]:
    """Take steps of every stage; give the memory of the largest, and how fast each is."""
    source, network = task.noise(), task.network
    total = config.train.total_iter
    starts = [start for start in task.plan.starts if start < total]
    memory, stages = 0, []
    for start, end in zip(starts, [*starts[1:], total], strict=True):
        first = _draw(source, start, config.train.accumulate, task.plan.shares)[0]
        kept = learner.spread(first.to(learner.engine.device))  # with all that backward needs
        memory = max(memory, _memory(learner.engine.device))
        del kept
        size = task.plan.size(start)
        stage = Stage(
            steps=end - start,
            patches=task.plan.patches(start),
            patch_size=network.image_size if isinstance(network, Classifier) else size,
            steps_per_second=_pace(source, learner, config, range(start, end), task.plan.shares),
        )
        stages.append(stage)
    return memory, stages


def _pace(
    source: StepSource[Batch | LabelledBatch],
    learner: Learner,
    config: TrainingConfig,
    steps: range,
    shares: int,
) -> float:
    """Take some of these steps, if need be again; give how many a second has."""
    device = learner.engine.device
    drawing = learning = 0.0
    for index in range(WARM_UP + TIMED):
        if index == WARM_UP:
            drawing = learning = 0.0
        step = steps[index % len(steps)]
        start = time.perf_counter()
        batches = _draw(source, step, config.train.accumulate, shares)
        drawn = time.perf_counter()
        learner.differentiate(batches)
        learner.update(step, learning_rate(step, config.train))
        _wait(device)
        drawing += drawn - start
        learning += time.perf_counter() - drawn
    # Workers draw while the network learns.
    workers = config.datasets.train.num_worker_per_gpu
    whole = max(learning, drawing / workers) if workers else drawing + learning
    return TIMED / whole


def _draw(
    source: StepSource[Batch | LabelledBatch], step: int, batches: int, shares: int
) -> list[Batch | LabelledBatch]:
    """Draw the batches of a process in a step of so many shares."""
    size = source.batch_size(step) // shares
    return [source.draw(step, index * size, (index + 1) * size) for index in range(batches)]


def _wait(device: torch.device) -> None:
    """Wait until a GPU has done what it was given, or a clock would time the giving."""
    if device.type != "cpu":
        torch.accelerator.synchronize()


def _memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return psutil.Process().memory_info().rss
