"""P8: a training run killed at any instant goes on with --resume to the same bits."""

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from skimage import data

from srkit import checkpoint

KILLS_IN_A_SAVE = ("mid-write", "before-rename", "after-rename", "before-drop") * 2
KILLS_ANYWHERE = 12
STEPS = 60
SAVE_EVERY = 3

Serve = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Run `srkit ARGUMENTS` in a process of its own, killed as asked."""
    log = tmp_path_factory.mktemp("log") / "output.txt"
    program = [sys.executable, str(Path(__file__).with_name("forked_runs.py"))]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        read, write = server.stdout, server.stdin

        def ask(*words: str, kill: dict[str, Any] | None = None) -> dict[str, Any]:
            request = {"argv": words, "log": str(log), "kill": kill}
            write.write(json.dumps(request) + "\n")
            write.flush()
            answer: dict[str, Any] = json.loads(read.readline())
            answer["output"] = log.read_text() if log.exists() else ""
            return answer

        yield ask
        write.close()


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
        "network_g": {"type": "lapwave-s", "features": 8, "blocks": 1},
        "train": {"total_iter": STEPS, "warmup_iter": 5},
        "val": {"val_freq": 20},
        "logger": {"print_freq": 7, "save_checkpoint_freq": SAVE_EVERY},
    }
    path.write_text(yaml.safe_dump(values))
    return path


def fingerprint(run: Path) -> dict[str, str]:
    """Hash every tensor of the last state (weights, EMA, optimizer, RNG) and the logs."""
    state = max((run / "training_states").glob("state-*"))
    _, tensors = checkpoint.read_tensors(state)
    found = {
        name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
        for name, tensor in tensors.items()
    }
    prefixes = {name.split(".")[0] for name in tensors}
    assert prefixes == {"model", "average", "optimizer", "rng"}
    for name in ("log.csv", "log.jsonl"):
        found[name] = hashlib.sha256((run / "log" / name).read_bytes()).hexdigest()
    return found | {"state": state.name}


@pytest.mark.promise
@pytest.mark.slow
def test_twenty_kills_change_nothing(serve: Serve, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret, a schedule to repeat
    alone = configuration(tmp_path, workers=0)
    with_workers = configuration(tmp_path, workers=2)
    whole = serve("train", "--config", str(alone), "-o", str(tmp_path / "whole"))
    assert whole["code"] == 0, whole["output"]
    expected = fingerprint(tmp_path / "whole" / "tiny")

    step = whole["seconds"] / STEPS
    kills: list[dict[str, Any]] = [
        {"at": point, "count": chance.choice((1, 2))} for point in KILLS_IN_A_SAVE
    ]
    for _ in range(KILLS_ANYWHERE):
        if chance.random() < 0.25:  # while starting: importing, reading, restoring, sweeping up
            kills.append({"at": "start", "delay": chance.uniform(0, 1.0)})
        else:  # among the steps
            kills.append({"at": "step", "delay": chance.uniform(0, 2.5 * SAVE_EVERY * step)})
    chance.shuffle(kills)
    done = 0
    for index, kill in enumerate(kills):
        config = chance.choice((alone, with_workers))
        words = ["train", "--config", str(config), "-o", str(tmp_path / "killed")]
        # Before the run has a folder there is nothing to resume.
        resume = ["--resume"] if (tmp_path / "killed" / "tiny" / "config.yml").exists() else []
        answer = serve(*words, *resume, kill=kill)
        if answer["code"] == 0:  # the run reached its end before its killer came
            assert done >= len(kills) - 3, f"kill {index} of {len(kills)} came too late"
            continue
        assert answer["code"] == -9, answer["output"]
        done += 1
    last = serve("train", "--config", str(alone), "-o", str(tmp_path / "killed"), "--resume")
    assert last["code"] == 0, last["output"]
    assert fingerprint(tmp_path / "killed" / "tiny") == expected
    assert done == len(kills)
    leftovers = list((tmp_path / "killed").rglob(".srkit-*"))
    assert not leftovers
