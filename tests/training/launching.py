"""A command of srkit's in two processes, started by torchrun."""

import subprocess
import sys
from pathlib import Path

LAUNCH = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def torchrun(
    *words: str | Path, program: tuple[str | Path, ...] = ("-m", "srkit")
) -> subprocess.CompletedProcess[str]:
    """Give how it ended; `program` may be a file that takes srkit's place."""
    return subprocess.run(
        [sys.executable, *LAUNCH, *program, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def said(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """Give the lines in which processes say what went wrong, without the launcher's own."""
    return [line for line in ended.stderr.splitlines() if line.startswith(("srkit:", "hint:"))]
