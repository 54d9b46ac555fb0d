"""The log of a run: a CSV for machines, one line a row; the same rows in words for people.

The CSV holds nothing that differs between two equal runs (no times), so equal runs write equal
bytes. Rows after the step a run is resumed from are dropped before it goes on.
"""

import csv
from pathlib import Path

COLUMNS = ("step", "loss", "learning_rate", "set", "protocol", "psnr", "ssim")


class RunLog:
    """Append rows to the CSV of a run, starting after the rows of the steps done."""

    def __init__(self, path: Path, *, step: int) -> None:
        self.path = path
        kept = [row for row in self.rows() if int(row["step"]) <= step]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(kept)

    def rows(self) -> list[dict[str, str]]:
        """Read the rows back; a line torn by a kill is left out."""
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if None not in row.values()]

    def loss(self, *, step: int, loss: float, learning_rate: float) -> None:
        """Note the mean loss since the last such row."""
        self._append({"step": step, "loss": f"{loss:.8g}", "learning_rate": f"{learning_rate:.6g}"})

    def score(self, *, step: int, set_name: str, protocol: str, psnr: float, ssim: float) -> None:
        """Note a validation under its protocol."""
        self._append(
            {
                "step": step,
                "set": set_name,
                "protocol": protocol,
                "psnr": f"{psnr:.4f}",
                "ssim": f"{ssim:.6f}",
            }
        )

    def _append(self, row: dict[str, object]) -> None:
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS).writerow(row)
