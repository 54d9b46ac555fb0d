"""Which of the processes of one run speaks, when torchrun has started several."""

import os


def is_main_process() -> bool:
    """Tell whether this is the first process, or the only one."""
    return os.environ.get("RANK", "0") == "0"
