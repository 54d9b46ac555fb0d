"""Batches ahead of time: the same ones, whatever the number of processes that prepare them."""

import signal
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset

from srkit.data.batches import Batch, BatchSource
from srkit.errors import DataError

AHEAD = 4  # steps a worker prepares before they are asked for


class _Steps(Dataset[list[Batch]]):
    """The micro-batches of one process, by step."""

    def __init__(self, source: BatchSource, rank: int, processes: int, micro_batches: int) -> None:
        self.source = source
        self.rank = rank
        self.shares = processes * micro_batches
        self.micro_batches = micro_batches

    def __getitem__(self, step: int) -> list[Batch]:
        size = self.source.batch_size(step) // self.shares
        first = self.rank * self.micro_batches
        return [
            self.source.draw(step, share * size, (share + 1) * size)
            for share in range(first, first + self.micro_batches)
        ]


def batch_loader(
    source: BatchSource,
    *,
    first: int,
    last: int,
    rank: int = 0,
    processes: int = 1,
    micro_batches: int = 1,
    workers: int = 0,
) -> Iterator[list[Batch]]:
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
        prefetch_factor=AHEAD,
        pin_memory=torch.cuda.is_available(),
        worker_init_fn=_begin_worker,
        # Its own, or making a loader would move torch's generator.
        generator=torch.Generator(),
    )
    try:
        yield from loader
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise DataError(
            "a loader worker died; the memory may not suffice",
            hint="fewer workers: --workers, or datasets.train.num_worker_per_gpu",
        ) from None


def _begin_worker(worker: int) -> None:
    # Ctrl-C reaches every process of a terminal; the main one decides when to stop. Its handlers
    # were copied into this one, where they would only keep it from ending.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
