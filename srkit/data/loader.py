"""Batches ahead of time: the same ones, whatever the number of processes that prepare them."""

import atexit
import signal
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any, Generic, Protocol, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from srkit.errors import DataError

AHEAD = 4  # steps a worker prepares before they are asked for
# A forked worker has the images that are in memory without copying them. Where forking is not there
# (Windows) or not safe (macOS), a worker is sent all that its batches are drawn from, once: a copy
# of images in memory, but of a prepared file only its path.
WORKERS_SHARE_MEMORY = sys.platform == "linux"

Drawn = TypeVar("Drawn", covariant=True)


class StepSource(Protocol[Drawn]):
    """What gives the batches of a run, each a pure function of the step and of places in it."""

    @property
    def images(self) -> int:
        """How many the batches are made of."""

    @property
    def megapixels(self) -> float:
        """Of those images, in all."""

    @property
    def batch_size(self) -> Callable[[int], int]:
        """Say how many places a step has, over all processes."""

    def draw(self, step: int, start: int, stop: int) -> Drawn:
        """Give what is at places `start` to `stop` - 1 of a step."""


class _Steps(Dataset[list[Drawn]], Generic[Drawn]):
    """The micro-batches of one process, by step."""

    def __init__(
        self, source: StepSource[Drawn], rank: int, processes: int, micro_batches: int
    ) -> None:
        self.source = source
        self.rank = rank
        self.shares = processes * micro_batches
        self.micro_batches = micro_batches

    def __getitem__(self, step: int) -> list[Drawn]:
        size = self.source.batch_size(step) // self.shares
        first = self.rank * self.micro_batches
        return [
            self.source.draw(step, share * size, (share + 1) * size)
            for share in range(first, first + self.micro_batches)
        ]


def batch_loader(
    source: StepSource[Drawn],
    *,
    first: int,
    last: int,
    rank: int = 0,
    processes: int = 1,
    micro_batches: int = 1,
    workers: int = 0,
) -> Generator[list[Drawn], None, None]:
    """Give for every step from `first` to `last` - 1 the micro-batches of one process.

    Process `rank` of `processes` takes its share of a step's places in `micro_batches` batches.

    Raises: DataError when a worker dies.
    """
    steps = _Steps(source, rank, processes, micro_batches)
    if workers == 0:
        yield from map(steps.__getitem__, range(first, last))
        return
    loader = DataLoader(
        steps,
        batch_size=None,
        sampler=range(first, last),
        num_workers=workers,
        # Said, because from Python 3.14 on Linux forks no more by itself.
        multiprocessing_context="fork" if WORKERS_SHARE_MEMORY else None,
        prefetch_factor=AHEAD,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_begin_worker,
        # Its own, or making a loader would move torch's generator.
        generator=torch.Generator(),
    )
    batches = _started(loader)
    # torch ends them when the iterator is collected. Something may hold that to the very end of the
    # process, which would then wait for workers that heed no SIGTERM.
    atexit.register(batches._shutdown_workers)
    try:
        yield from batches
    except RuntimeError as error:
        # An error of a worker's own is raised again as "Caught ... in DataLoader worker process".
        if "DataLoader worker (pid" not in str(error):
            raise
        raise DataError(
            "a loader worker died; the memory, or the shared memory, may not suffice",
            hint="fewer workers: --workers, or datasets.train.num_worker_per_gpu",
        ) from None
    finally:
        batches._shutdown_workers()
        atexit.unregister(batches._shutdown_workers)


def _started(loader: DataLoader[Any]) -> Any:
    """Start the workers, without the handler that torch sets for their deaths.

    It would raise in the middle of whatever the main process is doing. Without it a death is found
    when the worker's next batch is waited for, after torch's five seconds.
    """
    child_signal = getattr(signal, "SIGCHLD", None)  # not on Windows
    if child_signal is None or threading.current_thread() is not threading.main_thread():
        return iter(loader)
    before = signal.getsignal(child_signal)
    batches = iter(loader)
    signal.signal(child_signal, before)
    return batches


def _begin_worker(worker: int) -> None:
    # Ctrl-C reaches every process of a terminal, and a service manager's SIGTERM all of a service:
    # the main one decides when to stop, and needs its batches until then. When it is gone, a
    # worker ends by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # One thread each, as torch takes by itself; OpenCV's do not survive the fork.
    cv2.setNumThreads(0)
