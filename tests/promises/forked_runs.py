"""Start `srkit train` again and again without importing torch again: one process that forks.

    python forked_runs.py          reads one JSON request a line, answers with one JSON line

A request is {"argv": [...], "log": FILE, "end": null or {"at": POINT, ...}, "disk": null or BYTES};
the answer is {"code": exit code, negative for a signal; "seconds": from the first batch to the
end}. `disk` is the size no file may grow beyond, as on a disk that is full.

Points: "start" and "step" send a `signal` (SIGKILL unless another is named) from outside, `delay`
seconds after the fork or after the first batch is asked for, wherever the run then is; SIGKILL
goes to the run alone, others to its workers as well, as from a terminal or a service manager. The
other points kill inside the saving of the `count`-th state: "mid-write" with half of its bytes
written, "before-rename", "after-rename", and "before-drop" when an older state is about to go. With
"checkpoint" in front of the first three it is the `count`-th checkpoint's.
"""

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from unittest.mock import patch

import torch._dynamo  # noqa: F401 - the first optimiser imports it, which takes a second

from srkit.cli.main import run
from srkit.data.loader import batch_loader
from srkit.files import write_atomically
from srkit.training import loop  # noqa: F401 - once, not in every run


def die() -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def tell_first_batch(pipe: int) -> None:
    """Write a byte when the first batch is asked for."""

    def telling(*args: Any, **options: Any) -> Any:
        os.write(pipe, b"1")
        return batch_loader(*args, **options)

    patch("srkit.training.loop.batch_loader", telling).start()


def die_in_save(point: str, count: int) -> None:
    """Replace parts of the saving of states or checkpoints so that one does not come back."""
    left = count
    of_checkpoint = point.startswith("checkpoint-")
    point = point.removeprefix("checkpoint-")
    module, folder = (
        ("srkit.checkpoint", "models")
        if of_checkpoint
        else ("srkit.training.state", "training_states")
    )
    fsync, unlink = os.fsync, Path.unlink

    def write(path: Path, give: Callable[[BinaryIO], object]) -> None:
        nonlocal left
        left -= 1

        def half(file: BinaryIO) -> None:
            class Half:
                def write(self, data: bytes) -> None:
                    file.write(data[: len(data) // 2])
                    file.flush()
                    die()

            give(Half())  # type: ignore[arg-type]

        write_atomically(path, half if left == 0 and point == "mid-write" else give)

    def sync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        if left == 0 and target.parent.name == folder and point == "before-rename":
            die()
        if left == 0 and target.name == folder and point == "after-rename":
            die()
        fsync(descriptor)

    def drop(path: Path, missing_ok: bool = False) -> None:
        if left <= 0 and point == "before-drop" and path.name.startswith("state-"):
            die()
        unlink(path, missing_ok=missing_ok)

    patch(f"{module}.write_atomically", write).start()
    patch("os.fsync", sync).start()
    patch("pathlib.Path.unlink", drop).start()


def train(request: dict[str, Any], pipe: int) -> None:
    """Be `srkit ARGUMENTS`, in a process group of its own; does not come back."""
    os.setpgid(0, 0)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    tell_first_batch(pipe)
    end = request["end"] or {}
    if end.get("at") not in (None, "start", "step"):
        die_in_save(end["at"], end["count"])
    if request["disk"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["disk"], resource.RLIM_INFINITY))
    sys.argv = ["srkit", *request["argv"]]
    try:
        run()
    except SystemExit as ending:
        os._exit(ending.code if isinstance(ending.code, int) else 1)
    except BaseException:
        os._exit(70)
    os._exit(0)


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, run the command in the child, send it what is asked, wait for its end."""
    end = request["end"] or {}
    chosen = signal.Signals[end.get("signal", "SIGKILL")]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        train(request, write)
    os.close(write)

    def send() -> None:
        time.sleep(end["delay"])
        if chosen == signal.SIGKILL:
            os.kill(child, chosen)
        else:
            os.killpg(child, chosen)

    if end.get("at") == "start":
        send()
    os.read(read, 1)  # nothing when the child ends before its first batch
    first = time.monotonic()
    if end.get("at") == "step":
        send()
    _, status = os.waitpid(child, 0)
    os.close(read)
    return {"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - first}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(serve(json.loads(line))) + "\n")
        sys.stdout.flush()
