"""Read files in their order, a few ahead: decoding and resizing release the interpreter's lock."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from srkit.errors import SrkitError

AHEAD = 6  # images decoded before the one that is asked for: what is held besides the set itself

Item = TypeVar("Item")
Loaded = TypeVar("Loaded")


def read_ahead(
    items: Iterable[Item], load: Callable[[Item], Loaded]
) -> Iterator[tuple[Item, Loaded | SrkitError]]:
    """Give each item with what `load` makes of it, or with the SrkitError it raises."""

    def attempt(item: Item) -> Loaded | SrkitError:
        try:
            return load(item)
        except SrkitError as problem:
            return problem

    rest = iter(items)
    with ThreadPoolExecutor(2) as pool:
        jobs: list[tuple[Item, Future[Loaded | SrkitError]]] = [
            (item, pool.submit(attempt, item)) for item in islice(rest, AHEAD)
        ]
        while jobs:
            item, job = jobs.pop(0)
            loaded = job.result()
            jobs += [(following, pool.submit(attempt, following)) for following in islice(rest, 1)]
            yield item, loaded
