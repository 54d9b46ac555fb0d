"""The log of a run: `log.csv` for machines, `log.txt` for people.

The CSV holds nothing that differs between two equal runs (no times), so equal runs write equal
bytes. Rows after the step a run is resumed from are dropped before it goes on.
"""

import csv
import io
from collections.abc import Callable
from pathlib import Path

from srkit.files import write_atomically

COLUMNS = ("step", "loss", "learning_rate", "set", "protocol", "psnr", "ssim")


class RunLog:
    """Append rows to the CSV of a run, starting after the rows of the steps done.

    Raises (from every method): OSError when a file cannot be written.
    """

    def __init__(self, folder: Path, *, step: int, say: Callable[[str], None]) -> None:
        self.path = folder / "log.csv"
        self._words = folder / "log.txt"
        self._say = say
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for row in self.rows() if int(row["step"]) <= step)
        write_atomically(self.path, lambda file: file.write(text.getvalue().encode()))

    def rows(self) -> list[dict[str, str]]:
        """Read the rows back; a line torn by a kill is left out."""
        if not self.path.exists():
            return []
        with self.path.open(newline="", encoding="utf-8") as file:
            return [row for row in csv.DictReader(file) if None not in row.values()]

    def loss(self, *, step: int, loss: float, learning_rate: float, pace: str) -> None:
        """Note the mean loss since the last such row."""
        self._append({"step": step, "loss": f"{loss:.8g}", "learning_rate": f"{learning_rate:.6g}"})
        self.say(f"step {step:,}  loss {loss:.5f}  rate {learning_rate:.2e}  {pace}")

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
        self.say(f"step {step:,}  {set_name} {protocol}  PSNR {psnr:.3f}  SSIM {ssim:.4f}")

    def say(self, line: str) -> None:
        """Tell people, at once and in the file."""
        self._say(line)
        with self._words.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def _append(self, row: dict[str, object]) -> None:
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)
