"""Start `srkit train` again and again without importing torch again: one process that forks.

    python forked_runs.py          reads one JSON request a line, answers with one JSON line

A request is {"argv": [...], "log": FILE, "kill": null | {"at": POINT, ...}}; the answer is
{"code": exit code, negative for a signal; "seconds": from the first batch to the end}.
Points: "start" and "step" kill from outside, `delay` seconds after the fork or after the first
batch is drawn, wherever the process then is. The others kill inside the saving of the `count`-th
state: "mid-write" with half of its bytes written, "before-rename", "after-rename", and
"before-drop" when an older state is about to be removed.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from srkit.cli.main import run
from srkit.training import loop, state


def die() -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


def signal_first_batch(pipe: int) -> None:
    """Write a byte when the first batch is asked for, in whichever process."""
    loader = loop.batch_loader

    def telling(*args: Any, **options: Any) -> Any:
        os.write(pipe, b"1")
        return loader(*args, **options)

    loop.batch_loader = telling


def die_in_save(point: str, count: int) -> None:
    """Replace the parts of `save_state` so that one of them does not come back."""
    left = count
    write_atomically = state.write_atomically
    fsync, unlink = os.fsync, Path.unlink

    def here(path: Path) -> bool:
        return path.name.startswith("state-") or path.name == "training_states"

    def write(path: Path, give: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0 and point == "mid-write":

            def half(file: BinaryIO) -> None:
                class Half:
                    def write(self, data: bytes) -> None:
                        file.write(data[: len(data) // 2])
                        file.flush()
                        die()

                give(Half())

            write_atomically(path, half)
        write_atomically(path, give)

    def sync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        if left == 0 and target.parent.name == "training_states" and point == "before-rename":
            die()
        if left == 0 and target.name == "training_states" and point == "after-rename":
            die()
        fsync(descriptor)

    def drop(path: Path, missing_ok: bool = False) -> None:
        if left <= 0 and point == "before-drop" and here(path):
            die()
        unlink(path, missing_ok=missing_ok)

    state.write_atomically = write
    os.fsync = sync
    Path.unlink = drop  # type: ignore[method-assign]


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, run the command in the child, kill it as asked, wait for its end."""
    kill = request["kill"] or {}
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal_first_batch(write)
        if kill.get("at") not in (None, "start", "step"):
            die_in_save(kill["at"], kill["count"])
        sys.argv = ["srkit", *request["argv"]]
        try:
            run()
        except SystemExit as ending:
            os._exit(ending.code if isinstance(ending.code, int) else 1)
        except BaseException:
            os._exit(70)
        os._exit(0)
    os.close(write)
    if kill.get("at") == "start":
        time.sleep(kill["delay"])
        os.kill(child, signal.SIGKILL)
    os.read(read, 1)  # nothing when the child ends before its first batch
    first = time.monotonic()
    if kill.get("at") == "step":
        time.sleep(kill["delay"])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(read)
    return {"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - first}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(serve(json.loads(line))) + "\n")
        sys.stdout.flush()
