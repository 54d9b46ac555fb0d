"""P9: a damaged training state is never used: the one before it is, with one warning."""

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from srkit.errors import TrainingError
from srkit.models import build_model
from srkit.training.average import WeightAverage
from srkit.training.config import TrainingConfig
from srkit.training.config_file import write_config
from srkit.training.state import Counters, read_state, save_state

TRUNCATIONS = 30
FLIPS = 100


@pytest.fixture
def states(tmp_path: Path) -> Path:
    """Two states of a run, after steps 5 and 10."""
    torch.manual_seed(0)
    model = build_model("sr_network", {"features": 8, "blocks": 1})
    optimizer = torch.optim.AdamW(model.parameters())
    average = WeightAverage(model, 0.9)
    folder = tmp_path / "training_states"
    for step in (5, 10):
        model(torch.rand(1, 3, 8, 8)).sum().backward()
        optimizer.step()
        average.update(step)
        save_state(folder, Counters(step=step), model, average, optimizer)
    return folder


def damages(length: int, seed: int) -> list[tuple[str, Callable[[bytearray], bytes]]]:
    """Give the 131 ways a file is damaged in."""
    chance = random.Random(seed)  # noqa: S311 - a schedule to repeat
    ways: list[tuple[str, Callable[[bytearray], bytes]]] = [
        ("replaced by zeros", lambda data: bytes(len(data)))
    ]
    for cut in [0, 1, 8, length - 1, *chance.sample(range(9, length - 1), TRUNCATIONS - 4)]:
        ways.append((f"cut to {cut} bytes", lambda data, cut=cut: bytes(data[:cut])))  # type: ignore[misc]
    header = chance.sample(range(3000), FLIPS // 2)  # names, shapes, counters, the sha256 itself
    anywhere = chance.sample(range(3000, length), FLIPS - len(header))
    for place in header + anywhere:
        mask = 1 << chance.randrange(8)

        def flipped(data: bytearray, place: int = place, mask: int = mask) -> bytes:
            data[place] ^= mask
            return bytes(data)

        ways.append((f"bit {mask} of byte {place} flipped", flipped))
    return ways


@pytest.mark.promise
def test_every_damage_is_seen(states: Path, seed: int) -> None:
    newest = states / "state-00000010.safetensors"
    whole = newest.read_bytes()
    ways = damages(len(whole), seed)
    assert len(ways) == 1 + TRUNCATIONS + FLIPS
    silent = []
    for what, damage in ways:
        newest.write_bytes(damage(bytearray(whole)))
        warnings: list[str] = []
        found = read_state(states, warnings.append)
        assert found is not None
        if found[0].step != 5 or len(warnings) != 1 or newest.name not in warnings[0]:
            silent.append((what, found[0].step, warnings))
    assert not silent
    newest.write_bytes(whole)
    found = read_state(states)
    assert found is not None
    assert found[0].step == 10


@pytest.mark.promise
def test_no_whole_state_ends_in_one_line_and_exit_2(states: Path, tmp_path: Path) -> None:
    for state in states.iterdir():
        state.write_bytes(state.read_bytes()[:-1])
    with pytest.raises(TrainingError, match="every saved state is damaged"):
        read_state(states)
    run = tmp_path / "tiny"
    shutil.copytree(states, run / "training_states")
    words = ["train", "--name", "tiny", "--model", "lapwave-s", "--dataset", str(tmp_path)]
    values = {
        "name": "tiny",
        "datasets": {"train": {"dataroot_gt": str(tmp_path)}},
        "network_g": {"type": "lapwave-s"},
    }
    (run / "config.yml").write_text(write_config(TrainingConfig.model_validate(values)))
    ended = subprocess.run(
        [sys.executable, "-m", "srkit", *words, "-o", str(tmp_path), "--resume"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    lines = ended.stderr.splitlines()
    assert "every saved state is damaged" in lines[-1] or "every saved state" in lines[-2]
    assert "Traceback" not in ended.stderr
