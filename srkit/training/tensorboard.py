"""TensorBoard's event files: curves, samples, and the wavelet bands a model gets right or wrong.

The package `tensorboard` comes with the extra `srkit[tensorboard]`.

Convention
    Steps after the one a run is resumed from are marked as void, as TensorBoard wants it.
    Bands are one level of Haar: the approximation halved, back in the image's range, and details
    around mid-grey, an edge as twice its own height.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from srkit.errors import ConfigError
from srkit.images import from_tensor, to_tensor
from srkit.images.image import Samples
from srkit.training.pace import Pace
from srkit.training.score import SetScore
from srkit.training.strips import side_by_side, strip
from srkit.training.watch import RunFacts, Sample, Watcher
from srkit.transforms.haar import haar

GAIN = 2.0  # most details are faint; the few that leave the range are clamped


def require_tensorboard() -> None:
    """Find out early, before images are read, that the package is missing.

    Raises: ConfigError when it is.
    """
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        raise ConfigError(
            "logger.use_tb_logger: TensorBoard is not installed",
            hint="pip install 'srkit[tensorboard]'",
        ) from None


class TensorBoard(Watcher):
    """Write event files into a folder, after those of the steps up to `step`.

    Raises: ConfigError when TensorBoard is not installed.
    """

    def __init__(self, folder: Path, *, step: int) -> None:
        require_tensorboard()
        from torch.utils.tensorboard import SummaryWriter

        # A session that begins anew voids what one before it wrote, if it was killed too early
        # to leave a state.
        self._writer = SummaryWriter(str(folder), purge_step=step + 1)
        self._first = step

    def started(self, facts: RunFacts) -> None:
        """Learn the step this session's pace is counted from."""
        self._first = facts.first_step

    def losses(
        self, step: int, total: float, terms: dict[str, float], rate: float, pace: Pace
    ) -> None:
        """Add to the curves of the loss, its terms, the learning rate and the pace."""
        self._add("loss/total", total, step)
        for name, value in terms.items():
            self._add(f"loss/{name}", value, step)
        self._add("learning_rate", rate, step)
        self._add("steps_per_second", (step - self._first) / max(pace.session(), 1e-9), step)

    def scored(self, step: int, score: SetScore, *, best: bool) -> None:
        """Add to the curves of a set."""
        for name, value in score.numbers.items():
            self._add(f"{name}/{score.set_name}", value, step)

    def samples(self, step: int, set_name: str, samples: Sequence[Sample]) -> None:
        """Show every sample as a strip, and its bands above the HR crop's."""
        for sample in samples:
            self._show(f"samples/{set_name}/{sample.name}", strip(sample), step)
            self._show(f"bands/{set_name}/{sample.name}", bands(sample), step)

    def flush(self) -> None:
        """Hand everything to the system."""
        self._writer.flush()

    def close(self) -> None:
        """End the event file."""
        self._writer.close()

    def _add(self, tag: str, value: float, step: int) -> None:
        self._writer.add_scalar(tag, value, step)

    def _show(self, tag: str, picture: Samples, step: int) -> None:
        self._writer.add_image(tag, picture, step, dataformats="HWC")


def bands(sample: Sample) -> Samples:
    """Lay the wavelet bands of the model's crop above those of the HR crop."""
    rows = [
        side_by_side(
            {f"{name}: {band}": picture for band, picture in _bands(sample.panels[name]).items()}
        )
        for name in ("model", "HR")
    ]
    width = max(row.shape[1] for row in rows)
    return np.concatenate([_widened(row, width) for row in rows])


def _bands(panel: Samples) -> dict[str, Samples]:
    approximation, *details = haar(to_tensor(panel))
    names = ("horizontal", "vertical", "diagonal")
    shown = {"approximation": approximation / 2}
    shown |= {name: 0.5 + GAIN * band for name, band in zip(names, details, strict=True)}
    return {name: from_tensor(band, np.uint8) for name, band in shown.items()}


def _widened(row: Samples, width: int) -> Samples:
    return np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=row[0, 0, 0])
