"""Which of the processes of one run speaks, when torchrun has started several.

They fail alike as a rule (all have read the same file), or one fails and the others lose it. Each
thing is said once. The launcher's agent has a store that all of them reach and that outlives them:
who writes a message there first says it.
"""

import os
from datetime import timedelta
from hashlib import sha256

UNTIL_SAID = timedelta(seconds=5)
"""How long a process that has lost another waits for that one to say why."""


def is_main_process() -> bool:
    """Tell whether this is the first process, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def speaks(message: str, *, lost: bool = False) -> bool:
    """Tell whether this process is the one that says what went wrong.

    One that has only `lost` another speaks when nobody has said anything.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return True
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        return True  # another launcher: better twice than never
    try:
        return _is_first(message, lost=lost)
    except RuntimeError:
        return True  # the agent has gone


def _is_first(message: str, *, lost: bool) -> bool:
    from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

    host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    agents = TCPStore(host, port, is_master=False, timeout=UNTIL_SAID, wait_for_workers=False)
    # The launcher may start the processes again, beside the same store.
    store = PrefixStore(f"srkit/said/{os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", agents)
    if not lost:
        first = store.add(sha256(message.encode(errors="replace")).hexdigest(), 1) == 1
        store.add("anything", 1)
        return first
    try:
        store.wait(["anything"], UNTIL_SAID)
    except RuntimeError:
        return store.add("anything", 1) == 1
    return False
