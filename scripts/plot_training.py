"""Plot how released models learned: PSNR on a validation set by step, from the logs of their runs.

    python scripts/plot_training.py [--set Set14] [-o docs/images/training.png]

The logs are docs/runs/NAME.csv, copies of the runs' log/log.csv; NAME-WORD went on where NAME
ended.
"""

import argparse
import csv
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).resolve().parent.parent / "docs"


def main() -> None:
    """Draw one panel a scale, one line a run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", default="Set14")
    parser.add_argument("-o", "--output", type=Path, default=DOCS / "images" / "training.png")
    arguments = parser.parse_args()
    figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
    for axis, scale in zip(axes, ("x2", "x4"), strict=True):
        for path in sorted((DOCS / "runs").glob(f"*-{scale}*.csv")):
            if not path.stem.partition("-x")[2].startswith(scale[1:]):
                continue  # of another scale, from the body of this one
            rows = [row for row in _read(path) if row["set"] == arguments.set]
            before = _steps_before(path)
            steps = [(before + int(row["step"])) / 1000 for row in rows]
            axis.plot(steps, [float(row["psnr"]) for row in rows], "o-", label=path.stem)
        axis.set_xlabel("thousand steps")
        axis.set_ylabel(f"PSNR on {arguments.set}, dB (sr-y)")
        axis.grid(alpha=0.3)
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, fontsize=8)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.output, dpi=100)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _steps_before(path: Path) -> int:
    first = path.with_stem(path.stem.rpartition("-")[0])
    return _steps_before(first) + int(_read(first)[-1]["step"]) if first.exists() else 0


if __name__ == "__main__":
    main()
