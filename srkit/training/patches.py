"""How large the patches of a step are, and how many it takes: pure functions of the step."""

from bisect import bisect_right
from dataclasses import dataclass

from srkit.training.config import TrainingConfig
from srkit.training.network import patch_sizes


@dataclass(frozen=True, kw_only=True)
class PatchPlan:
    """The patch schedule of a run, from its first step on."""

    starts: tuple[int, ...]
    """Steps at which a size begins to hold; the first is 0."""
    sizes: tuple[int, ...]
    """Sides in LR pixels."""
    batches: tuple[int, ...]
    """Patches one process takes at once."""
    shares: int
    """Processes times batches accumulated."""

    @classmethod
    def of(cls, config: TrainingConfig, *, scale: int, processes: int) -> "PatchPlan":
        """Read the plan from a configuration."""
        images, schedule = config.datasets.train, config.train.patch_schedule
        own = images.batch_size_per_gpu
        return cls(
            starts=(0, *(entry.from_iter for entry in schedule)),
            sizes=tuple(patch_sizes(config, scale)),
            batches=(own, *(entry.batch_size_per_gpu or own for entry in schedule)),
            shares=processes * config.train.accumulate,
        )

    def size(self, step: int) -> int:
        """Give the side of the patches of a step, in LR pixels."""
        return self.sizes[bisect_right(self.starts, step) - 1]

    def patches(self, step: int) -> int:
        """Give how many patches a step takes, over all processes."""
        return self.batches[bisect_right(self.starts, step) - 1] * self.shares
