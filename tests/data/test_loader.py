"""Loaders: the same batches from any number of workers, processes and micro-batches."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import chain
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data
from torch.utils.data import get_worker_info

from srkit.data import loader
from srkit.data.batches import Batch, BatchSource
from srkit.data.degradations import create_degradation
from srkit.data.loader import batch_loader
from srkit.data.pairs import bicubic
from srkit.data.part import Part
from srkit.data.prepared import PreparedFile
from srkit.data.training_set import TrainingSet
from srkit.errors import DataError

BATCH = 8


def source(
    *, degradation: str | None = None, patch_size: Callable[[int], int] = lambda step: 8
) -> BatchSource:
    photograph = np.ascontiguousarray(data.astronaut()[:160, 150:310])
    lr = None if degradation else bicubic(photograph, 1 / 4)
    return BatchSource(
        TrainingSet(
            parts=[Part(folder=0, hr=photograph, lr=lr)], weights=(None,), images=1, megapixels=0
        ),
        scale=4,
        patch_size=patch_size,
        batch_size=lambda step: BATCH if step < 4 else 2 * BATCH,
        seed=3,
        degradation=create_degradation({"type": degradation}, scale=4) if degradation else None,
    )


def require_equal(found: list[Batch], expected: list[Batch]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.lr, other.lr)
        assert torch.equal(one.hr, other.hr)


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Give the main process another number of threads than the workers have."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("degradation", [None, "classical", "second_order"])
def test_workers_change_nothing(degradation: str | None) -> None:
    drawing = source(degradation=degradation)
    alone = [batch for (batch,) in batch_loader(drawing, first=2, last=5)]
    generator = torch.get_rng_state()
    helped = [batch for (batch,) in batch_loader(drawing, first=2, last=5, workers=2)]
    require_equal(helped, alone)
    assert [len(batch.lr) for batch in helped] == [8, 8, 16]
    assert helped[0].hr.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.fixture
def spawning() -> Iterator[None]:
    """Start processes as macOS and Windows do, where nobody says otherwise."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


@pytest.mark.skipif(sys.platform != "linux", reason="where workers are not forked")
@pytest.mark.usefixtures("spawning")
def test_workers_are_forked_whatever_python_does_by_itself() -> None:
    drawing = source()
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(drawing)  # its functions have no name that another process would find
    require_equal(
        [batch for (batch,) in batch_loader(drawing, first=0, last=2, workers=1)],
        [batch for (batch,) in batch_loader(drawing, first=0, last=2)],
    )


@pytest.mark.usefixtures("spawning")
def test_workers_that_are_not_forked_are_sent_the_path_of_a_prepared_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = source().training_set.parts
    prepared = PreparedFile(tmp_path / "prepared" / "one.images")
    prepared.write(parts)
    drawing = BatchSource(
        TrainingSet(parts=prepared, weights=(None,), images=1, megapixels=0),
        scale=4,
        patch_size=[8, 8].__getitem__,
        batch_size=[2, 2].__getitem__,
        seed=3,
    )
    assert len(pickle.dumps(drawing)) < parts[0].hr.nbytes / 20
    monkeypatch.setattr(loader, "WORKERS_SHARE_MEMORY", False)
    require_equal(
        [batch for (batch,) in batch_loader(drawing, first=0, last=2, workers=1)],
        [batch for (batch,) in batch_loader(drawing, first=0, last=2)],
    )


def together(*shares: list[list[Batch]]) -> list[Batch]:
    """Join what the shares drew at each step, in their order."""
    return [
        Batch(*(torch.cat(parts) for parts in zip(*chain.from_iterable(step), strict=True)))
        for step in zip(*shares, strict=True)
    ]


def test_shares_of_processes_and_micro_batches_are_one_batch() -> None:
    whole = together(list(batch_loader(source(), first=3, last=6)))
    for processes, micro_batches in ((2, 1), (1, 4), (2, 2), (4, 2)):
        shares = [
            list(
                batch_loader(
                    source(),
                    first=3,
                    last=6,
                    rank=rank,
                    processes=processes,
                    micro_batches=micro_batches,
                )
            )
            for rank in range(processes)
        ]
        assert all(len(step) == micro_batches for share in shares for step in share)
        require_equal(together(*shares), whole)


def test_going_on_in_the_middle_changes_nothing() -> None:
    whole = [batch for (batch,) in batch_loader(source(), first=0, last=6)]
    rest = [batch for (batch,) in batch_loader(source(), first=4, last=6, workers=1)]
    require_equal(rest, whole[4:])


def dies_at(step: int) -> int:
    """Kill the worker that comes to step 3, as a system out of memory does."""
    if step == 3 and get_worker_info() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return 8


def test_a_workers_death_is_one_line_where_its_batch_is_waited_for() -> None:
    before = signal.getsignal(signal.SIGCHLD)
    batches = batch_loader(source(patch_size=dies_at), first=0, last=20, workers=2)
    next(batches)
    assert signal.getsignal(signal.SIGCHLD) is before
    time.sleep(0.5)  # it dies meanwhile, and what the main process does is not disturbed
    with pytest.raises(DataError) as caught:
        for _ in batches:
            pass
    assert str(caught.value).startswith("a loader worker died; ")
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "fewer workers: --workers, or datasets.train.num_worker_per_gpu"
    assert not active_children()


def goes_wrong_at(step: int) -> int:
    if step == 1:
        raise RuntimeError("a mistake of our own")
    return 8


def test_a_workers_own_error_is_not_taken_for_its_death() -> None:
    batches = batch_loader(source(patch_size=goes_wrong_at), first=0, last=20, workers=1)
    next(batches)
    with pytest.raises(RuntimeError, match="a mistake of our own") as caught:
        next(batches)
    assert caught.tb is not None  # which holds on to torch's iterator
    assert not active_children()


def test_workers_end_with_the_loader() -> None:
    batches = batch_loader(source(), first=0, last=10_000, workers=2)
    next(batches)
    assert len(active_children()) == 2
    batches.close()
    assert not active_children()


LEFT_OPEN = """
import numpy as np
from srkit.data.batches import BatchSource
from srkit.data.loader import batch_loader
from srkit.data.part import Part
from srkit.data.training_set import TrainingSet

part = Part(folder=0, hr=np.zeros((32, 32, 3), np.uint8), lr=np.zeros((8, 8, 3), np.uint8))
source = BatchSource(
    TrainingSet(parts=[part], weights=(None,), images=1, megapixels=0),
    scale=4, patch_size=lambda step: 4, batch_size=lambda step: 1, seed=0,
)
batches = batch_loader(source, first=0, last=1000, workers=1)
next(batches)
print("drawn")
"""


def test_a_process_that_leaves_its_loader_open_ends_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "drawn\n", "")
