"""What a run trains: all that differs between networks that enlarge images and that classify them.

The loop takes steps, saves and logs; a task knows the network, the images and the scores.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srkit.data.loader import StepSource
from srkit.data.survey import Survey
from srkit.models.network import Network
from srkit.training.learner import Learner
from srkit.training.patches import PatchPlan
from srkit.training.score import SetScore
from srkit.training.watch import Sample, Watcher


@dataclass(frozen=True, kw_only=True)
class Surveys:
    """What is known of a run's images before one of them is read."""

    training: Survey
    validation: Mapping[str, int]
    """How many images each set has."""
    absent: tuple[str, ...]
    """The sets of these that are not downloaded yet."""


class Task:
    """Made before any image is read, so that a mistake is found early."""

    scores: Sequence[str]
    """Names of the numbers in a score, for the columns of the log."""
    network: Network
    """What is trained."""
    plan: PatchPlan
    """How many images, or patches of them, a step takes."""
    validated: bool
    """Whether there are sets to score the network on."""

    def open(self, prepared: Path, watcher: Watcher) -> StepSource[Any]:
        """Read all images; decoded ones may be kept in `prepared`.

        Raises: DataError and ImageError naming what cannot be used.
        """
        raise NotImplementedError

    def survey(self) -> Surveys:
        """Find all images without reading or downloading any.

        Raises: DataError and ConfigError naming what is not there or does not go together.
        """
        raise NotImplementedError

    def noise(self) -> StepSource[Any]:
        """Give batches of noise, drawn as those of images are: all that a step's time needs."""
        raise NotImplementedError

    def begin(self, learner: Learner) -> None:
        """Do what comes before the very first step; a run that goes on has it in its state."""

    def validate(self, average: Network) -> list[SetScore]:
        """Score the averaged weights on every set; every process of the run must call this."""
        raise NotImplementedError

    def samples(self, average: Network) -> Iterator[tuple[str, list[Sample]]]:
        """Give what the averaged weights make of crops, by set; the main process calls this."""
        yield from ()

    def released(self, average: Network) -> Network:
        """Give the network as it goes into a checkpoint."""
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """Give what a card says of every score, besides its numbers."""
        return {}
