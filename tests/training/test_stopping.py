"""Signals that ask a run to stop: one is noted, a second one ends it."""

import signal

import pytest

from srkit.training import stopping
from srkit.training.stopping import asked_to_stop


def test_a_second_signal_ends_the_run() -> None:
    with asked_to_stop() as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals == [signal.SIGTERM]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_sigterm_that_is_sent_on_by_a_launcher_is_no_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with asked_to_stop() as signals:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert signals[0] == signal.SIGTERM
        monkeypatch.setattr(stopping, "ONE_STOP", 0.0)  # as if it came later
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
