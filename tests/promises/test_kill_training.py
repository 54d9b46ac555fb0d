"""P8: a training run that is killed, stopped or out of disk goes on with --resume to the same bits.

The runs are processes of their own, made by forked_runs.py.
"""

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from skimage import data

from srkit import checkpoint

KILLS_IN_A_SAVE = ("mid-write", "before-rename", "after-rename", "before-drop") * 2
KILLS_IN_A_CHECKPOINT = (
    "checkpoint-mid-write",
    "checkpoint-before-rename",
    "checkpoint-after-rename",
)
KILLS_ANYWHERE = 9
STEPS = 60
SAVE_EVERY = 3

pytestmark = [pytest.mark.promise, pytest.mark.slow]


class Server:
    """Runs `srkit ARGUMENTS` in a process of its own, ended as asked."""

    def __init__(self, folder: Path) -> None:
        program = [sys.executable, str(Path(__file__).with_name("forked_runs.py"))]
        self.process = subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.log = folder / "output.txt"

    def __call__(
        self, *words: str, end: dict[str, Any] | None = None, disk: int | None = None
    ) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.log.write_text("")
        request = {"argv": words, "log": str(self.log), "end": end, "disk": disk}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer | {"output": self.log.read_text()}


@dataclass(frozen=True)
class Whole:
    """The run nobody disturbs."""

    configurations: dict[int, Path]
    """By the number of loader workers."""
    fingerprint: dict[str, str]
    seconds: float
    """For a step."""


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    with server.process:
        yield server
        assert server.process.stdin is not None
        server.process.stdin.close()


@pytest.fixture(scope="module")
def whole(serve: Server, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    configurations = {workers: configuration(folder, workers=workers) for workers in (0, 2)}
    answer = serve("train", "--config", str(configurations[0]), "-o", str(folder))
    assert answer["code"] == 0, answer["output"]
    return Whole(configurations, fingerprint(folder / "tiny"), answer["seconds"] / STEPS)


def configuration(folder: Path, *, workers: int) -> Path:
    """Write the smallest run with every part: batches, average, validation, logs, states."""
    images = folder / "images"
    if not images.exists():
        images.mkdir()
        Image.fromarray(data.astronaut()[:128, 150:290]).save(images / "astronaut.png")
        Image.fromarray(data.chelsea()[50:170, 100:230]).save(images / "cat.png")
    path = folder / f"workers-{workers}.yml"
    training = {"dataroot_gt": str(images), "gt_size": 32, "batch_size_per_gpu": 4}
    values = {
        "name": "tiny",
        "scale": 2,
        "datasets": {
            "train": training | {"num_worker_per_gpu": workers, "cache": "memory"},
            "val": [{"dataroot_gt": str(images)}],
        },
        "network_g": {"type": "lapwave-s", "features": 8, "blocks": 1, "expansion": 0},
        "train": {"total_iter": STEPS, "warmup_iter": 5},
        "val": {"val_freq": 20},
        "logger": {"print_freq": 7, "save_checkpoint_freq": SAVE_EVERY},
    }
    path.write_text(yaml.safe_dump(values))
    return path


def fingerprint(run: Path) -> dict[str, str]:
    """Hash all of the last state (weights, EMA, optimizer, RNG), of the checkpoint and the logs."""
    state = max((run / "training_states").glob("state-*"))
    _, tensors = checkpoint.read_tensors(state)
    found = {
        name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
        for name, tensor in tensors.items()
    }
    prefixes = {name.split(".")[0] for name in tensors}
    assert prefixes == {"model", "average", "optimizer", "rng"}
    _, weights = checkpoint.read_tensors(run / "models" / "tiny.safetensors")
    for name, tensor in weights.items():
        found[f"checkpoint.{name}"] = hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
    for name in ("log.csv", "log.jsonl"):
        found[name] = hashlib.sha256((run / "log" / name).read_bytes()).hexdigest()
    return found | {"state": state.name}


def kills(chance: random.Random, step: float) -> list[dict[str, Any]]:
    """Choose where and when a run is killed; a step takes `step` seconds."""
    found: list[dict[str, Any]] = [
        {"at": point, "count": chance.choice((1, 2))} for point in KILLS_IN_A_SAVE
    ]
    found += [{"at": point, "count": 1} for point in KILLS_IN_A_CHECKPOINT]
    for _ in range(KILLS_ANYWHERE):
        if chance.random() < 0.25:  # while starting: importing, reading, restoring, sweeping up
            found.append({"at": "start", "delay": chance.uniform(0, 0.5)})
        else:  # among the steps
            found.append({"at": "step", "delay": chance.uniform(0, 2.5 * SAVE_EVERY * step)})
    chance.shuffle(found)
    return found


def test_twenty_kills_change_nothing(
    serve: Server, whole: Whole, seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret, a schedule to repeat
    left = kills(chance, whole.seconds)
    assert len(left) == 20
    runs = 0
    while left or runs == 0:
        # A run may reach its end before all its killers come: they wait for the next one.
        output = tmp_path / f"{runs}"
        ended = False
        while not ended:
            config = whole.configurations[chance.choice((0, 2))]
            # Before the run has a folder there is nothing to resume.
            resume = ["--resume"] if (output / "tiny" / "config.yml").exists() else []
            words = ["train", "--config", str(config), "-o", str(output), *resume]
            answer = serve(*words, end=left[-1] if left else None)
            ended = answer["code"] == 0
            if not ended:
                assert answer["code"] == -9, answer["output"]
                left.pop()
            released = output / "tiny" / "models" / "tiny.safetensors"
            if released.exists():
                checkpoint.load(released)  # raises for a torn one
        assert fingerprint(output / "tiny") == whole.fingerprint
        assert not list(output.rglob(".srkit-*"))
        runs += 1


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_stop_saves_the_step_it_comes_in(
    serve: Server, whole: Whole, tmp_path: Path, name: str, code: int, workers: int
) -> None:
    config = whole.configurations[workers]
    words = ["train", "--config", str(config), "-o", str(tmp_path)]
    stopped = serve(*words, end={"at": "step", "signal": name, "delay": 10.4 * whole.seconds})
    assert stopped["code"] == code, stopped["output"]
    assert "go on with --resume" in stopped["output"]
    assert "Traceback" not in stopped["output"]
    resumed = serve(*words, "--resume")
    assert resumed["code"] == 0, resumed["output"]
    assert fingerprint(tmp_path / "tiny") == whole.fingerprint


def test_a_disk_too_full_for_samples_says_so_and_loses_nothing(
    serve: Server, whole: Whole, tmp_path: Path
) -> None:
    words = ["train", "--config", str(whole.configurations[0]), "-o", str(tmp_path)]
    full = serve(*words, disk=60_000)  # a state has 35 KB, a strip of samples 120
    assert full["code"] == 2
    (line,) = [line for line in full["output"].splitlines() if line.startswith("srkit: ")]
    assert "cannot be written (File too large)" in line
    assert "go on with --resume" in full["output"]
    resumed = serve(*words, "--resume")
    assert resumed["code"] == 0, resumed["output"]
    assert fingerprint(tmp_path / "tiny") == whole.fingerprint


def test_a_full_disk_says_so_and_loses_nothing(serve: Server, whole: Whole, tmp_path: Path) -> None:
    words = ["train", "--config", str(whole.configurations[0]), "-o", str(tmp_path)]
    serve(*words, end={"at": "after-rename", "count": 3})
    states = {path: path.read_bytes() for path in (tmp_path / "tiny/training_states").iterdir()}
    assert len(states) == 3  # killed before the oldest went
    # The next state may be some bytes shorter: its header has times in it.
    room = min(map(len, states.values())) - 1000
    full = serve(*words, "--resume", disk=room)
    assert full["code"] == 2
    (line,) = [line for line in full["output"].splitlines() if line.startswith("srkit: ")]
    assert "tiny: cannot be written (File too large)" in line
    assert "go on with --resume" in full["output"]
    assert {path: path.read_bytes() for path in states} == states
    assert not list(tmp_path.rglob(".srkit-*"))
    resumed = serve(*words, "--resume")
    assert resumed["code"] == 0, resumed["output"]
    assert fingerprint(tmp_path / "tiny") == whole.fingerprint
