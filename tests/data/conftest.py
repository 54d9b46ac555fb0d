"""What the tests of data sets share: a server on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .mirror import Mirror, serving


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(tmp_path / "server") as running:
        yield running
