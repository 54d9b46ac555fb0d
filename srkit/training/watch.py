"""What a run tells those who watch it: its log, a progress bar, TensorBoard, a test.

Only the main process of a run is watched. To add a way of watching: subclass `Watcher`, override
what it cares about, and hand it to `srkit.training.train`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from srkit.images.image import Samples
from srkit.training.pace import Pace
from srkit.training.score import SetScore


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What is known when the first step is about to be taken."""

    name: str
    model: str
    parameters: int
    """Of the checkpoint."""
    trained_parameters: int
    """While it is trained: more where kernels are over-parametrised."""
    device: str
    processes: int
    precision: str
    first_step: int
    """Steps done in earlier sessions."""
    steps: int
    """Steps of the whole run."""
    images: int
    megapixels: float
    """Of the HR images trained on, in all."""
    data: str
    taken: str | None
    """What was taken over from a checkpoint to start from."""
    resumed: bool


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One crop of a validation image, as (H, W, 3) uint8 panels of equal size."""

    name: str
    """Of the image it is cut from."""
    panels: dict[str, Samples]
    """By what they show: the enlarged LR crop, the model's result, the HR crop."""
    psnr: dict[str, float]
    """In dB, of the panels that are somebody's guess at the HR crop."""


class Watcher:
    """Everything a run says, in the order it says it; each method does nothing by itself.

    Raises (from every method): OSError when a file of the watcher cannot be written.
    """

    def said(self, line: str) -> None:
        """Take a sentence for people."""

    def warn(self, line: str) -> None:
        """Take a sentence about something that is not as it should be."""

    def reading(self, done: int, total: int) -> None:
        """Learn how many images are read."""

    def started(self, facts: RunFacts) -> None:
        """Learn what is about to be trained; nothing but words came before."""

    def stepped(self, step: int, pace: Pace) -> None:
        """Learn that a step is done; called often, must be cheap."""

    def losses(
        self, step: int, total: float, terms: dict[str, float], rate: float, pace: Pace
    ) -> None:
        """Take the mean loss and its terms, unweighted, over the steps since the last call."""

    def scored(self, step: int, score: SetScore, *, best: bool) -> None:
        """Take a validation; `best` when the first set's is the highest so far."""

    def samples(self, step: int, set_name: str, samples: Sequence[Sample]) -> None:
        """Take what the averaged weights make of a few crops."""

    def flush(self) -> None:
        """Put on disk all that was learnt: a state is about to be saved."""

    def ended(self, step: int, words: str) -> None:
        """Learn that the session is over, and in words what came of it."""

    def failed(self, words: str) -> None:
        """Learn that the session is over because of an error, which is said to the user too."""

    def close(self) -> None:
        """Give back files and screen; called once, also after an error."""


class Watchers(Watcher):
    """Several watchers as one."""

    def __init__(self, watchers: Iterable[Watcher] = ()) -> None:
        self._watchers = list(watchers)

    def __iter__(self) -> Iterator[Watcher]:
        return iter(self._watchers)

    def add(self, watcher: Watcher) -> None:
        """Have one more watch from now on."""
        self._watchers.append(watcher)

    def said(self, line: str) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.said(line)

    def warn(self, line: str) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.warn(line)

    def reading(self, done: int, total: int) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.reading(done, total)

    def started(self, facts: RunFacts) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.started(facts)

    def stepped(self, step: int, pace: Pace) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.stepped(step, pace)

    def losses(
        self, step: int, total: float, terms: dict[str, float], rate: float, pace: Pace
    ) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.losses(step, total, terms, rate, pace)

    def scored(self, step: int, score: SetScore, *, best: bool) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.scored(step, score, best=best)

    def samples(self, step: int, set_name: str, samples: Sequence[Sample]) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.samples(step, set_name, samples)

    def flush(self) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.flush()

    def ended(self, step: int, words: str) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.ended(step, words)

    def failed(self, words: str) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.failed(words)

    def close(self) -> None:
        """See Watcher."""
        for one in self._watchers:
            one.close()
