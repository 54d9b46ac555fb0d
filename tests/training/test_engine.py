"""The engine: how long processes wait for each other, and who has the images."""

import socket
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from accelerate import Accelerator

from srkit.errors import LostProcessError
from srkit.training import engine as engines
from srkit.training.engine import PATIENCE, engine, share_images


def test_processes_wait_for_one_that_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alone = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1"}
    for name, value in (alone | {"MASTER_PORT": str(port)}).items():
        monkeypatch.setenv(name, value)
    try:
        with engine("cpu"):
            group = torch.distributed.group.WORLD
            assert group is not None
            backend = group._get_backend(torch.device("cpu"))
            assert backend.options._timeout == PATIENCE
    finally:
        torch.distributed.destroy_process_group()


GLOO = "[/pytorch/third_party/gloo/gloo/transport/tcp/"


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError(f"{GLOO}pair.cc:534] Connection closed by peer [127.0.0.1]:9734"), True),
        (RuntimeError(f"{GLOO}pair.cc:547] Read error [::1]:80: Connection reset by peer"), True),
        (RuntimeError(f"{GLOO}unbound_buffer.cc:81] Timed out waiting 1800000ms for recv"), True),
        (torch.distributed.DistBackendError("Last error: Connection closed by remote peer"), True),
        (torch.distributed.DistBackendError("NCCL error: unhandled cuda error"), False),
        (RuntimeError(f"[enforce fail at {GLOO}pair.cc:456] 4 <= 2"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_a_lost_connection_is_no_mistake_of_ones_own(
    monkeypatch: pytest.MonkeyPatch, error: RuntimeError, lost: bool
) -> None:
    with pytest.raises(type(error)), engine("cpu"):
        raise error  # alone, nobody can be lost
    monkeypatch.setattr(engines, "Accelerator", lambda **words: SimpleNamespace(num_processes=2))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(LostProcessError if lost else type(error)), engine("cpu"):
        raise error


@pytest.mark.parametrize(
    ("local", "processes", "workers", "forked", "shared"),
    [
        (None, 1, 0, True, False),
        (None, 1, 2, True, False),
        (None, 1, 2, False, True),
        (None, 1, 0, False, False),
        (None, 2, 0, True, True),
        ("2", 2, 0, True, True),
        ("1", 2, 0, True, False),  # one on each of two machines
    ],
)
def test_images_are_shared_where_each_process_would_have_a_copy(
    monkeypatch: pytest.MonkeyPatch,
    local: str | None,
    processes: int,
    workers: int,
    forked: bool,
    shared: bool,
) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    if local is not None:
        monkeypatch.setenv("LOCAL_WORLD_SIZE", local)
    monkeypatch.setattr(engines, "WORKERS_SHARE_MEMORY", forked)
    accelerator = cast(Accelerator, SimpleNamespace(num_processes=processes))
    assert share_images(accelerator, workers) == shared
