"""The command line's entry: `srkit`, and `python -m srkit`, which is how torchrun starts it."""

import sys
from typing import NoReturn

from srkit.startup import ending_at_once


def run() -> NoReturn:
    """Import the command line and run it; Ctrl-C is quiet from here on."""
    try:
        with ending_at_once():
            from srkit.cli.main import run as run_command
        run_command()
    except KeyboardInterrupt:  # between the one and the other
        sys.exit(130)


if __name__ == "__main__":
    run()
