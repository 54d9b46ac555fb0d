"""Of the processes that torchrun has started, one says what went wrong."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from srkit.cli import processes
from srkit.cli.processes import speaks


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep a store as torchrun's agent does."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    for name, value in {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(processes, "UNTIL_SAID", timedelta(seconds=0.2))
    yield
    del store


@pytest.mark.usefixtures("agent")
def test_a_message_is_said_by_the_first_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [speaks("a"), speaks("a"), speaks("\udcff"), speaks("a")] == [True, False, True, False]
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    assert speaks("a")  # when it is started again it fails again


@pytest.mark.usefixtures("agent")
def test_who_lost_another_is_silent_when_that_one_spoke() -> None:
    assert speaks("its own")
    assert not speaks("lost", lost=True)


@pytest.mark.usefixtures("agent")
def test_who_lost_another_speaks_once_when_nobody_does() -> None:
    assert [speaks("lost", lost=True) for _ in range(3)] == [True, False, False]


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)


def another_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("TORCHELASTIC_USE_AGENT_STORE", raising=False)


def agent_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    monkeypatch.setenv("MASTER_PORT", str(store.port))
    del store


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("where", [alone, another_launcher, agent_gone])
def test_without_a_store_nothing_is_kept_back(
    monkeypatch: pytest.MonkeyPatch, where: Callable[[pytest.MonkeyPatch], None]
) -> None:
    where(monkeypatch)
    assert speaks("a")
    assert speaks("a")
