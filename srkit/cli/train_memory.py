"""What to do when a step of training takes more memory than there is, said in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from srkit.errors import TrainingError

if TYPE_CHECKING:
    from srkit.training.config import TrainingConfig


@contextmanager
def memory_named(config: "TrainingConfig") -> Iterator[None]:
    """Turn an allocator's complaint into the options that make a step smaller.

    Raises: TrainingError.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        from srkit.inference.tile_runner import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        patches, shares = config.datasets.train.batch_size_per_gpu, config.train.accumulate
        half = f"--batch-size {patches // 2} --accumulate {2 * shares} is the same step in halves"
        raise TrainingError(
            f"not enough memory for {patches} patches at once",
            hint=half if patches % 2 == 0 else "a smaller --batch-size or --patch-size takes less",
        ) from error
