"""The log of a run: `log.csv` and `log.jsonl` for machines, `log.txt` for people.

Convention
    The first two hold nothing that differs between two equal runs (no times, no device), so equal
    runs write equal bytes. They are row for row the same; only the JSON lines have the terms of
    the loss, whose number differs from run to run, and tell whether the first set's score was the
    best so far. The last columns of the table are the numbers of a score, PSNR and SSIM, or those
    of a classifier.
    An infinite PSNR is `inf`, in JSON the string "inf"; a number that cannot be computed is empty,
    in JSON null.

After `flush` every row is on the disk. Rows after the step a run is resumed from, and a last one
torn by a kill, are dropped before it goes on; `log.txt` is only ever added to.
"""

import csv
import io
import json
import math
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from srkit.files import write_atomically
from srkit.images.naming import one_line
from srkit.training.pace import Pace
from srkit.training.score import FORMS, SetScore
from srkit.training.watch import RunFacts, Watcher
from srkit.training.wording import facts_line, loss_line, score_line

SCORES = ("psnr", "ssim")
COLUMNS = ("step", "loss", "learning_rate", "set", "protocol", *SCORES)


class RunLog(Watcher):
    """Append to the logs of a run, after the rows up to `step`; `scores` are its numbers' names."""

    def __init__(self, folder: Path, *, step: int, scores: Sequence[str] = SCORES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._columns = (*COLUMNS[: -len(SCORES)], *scores)
        paths = [folder / name for name in ("log.csv", "log.jsonl", "log.txt")]
        header = [",".join(self._columns) + "\n"]
        _rewrite(paths[0], header + _kept(paths[0], self._csv_step, step))
        _rewrite(paths[1], _kept(paths[1], _json_step, step))
        torn = paths[2].exists() and not (b"\n" + paths[2].read_bytes()).endswith(b"\n")
        # Line by line into the system's hands, so that a log can be followed while it grows.
        self._csv, self._json, self._text = (
            path.open("a", encoding="utf-8", newline="", buffering=1) for path in paths
        )
        if torn:
            self._text.write("\n")
        self._steps = 0
        self._watched: str | None = None

    def said(self, line: str) -> None:
        """Note a sentence with the time."""
        now = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
        self._text.write(f"{now}  {one_line(line)}\n")

    def warn(self, line: str) -> None:
        """Note a warning with the time."""
        self.said(f"warning: {line}")

    def started(self, facts: RunFacts) -> None:
        """Note what a session begins with."""
        self._steps = facts.steps
        self.said(facts_line(facts))

    def losses(
        self, step: int, total: float, terms: dict[str, float], rate: float, pace: Pace
    ) -> None:
        """Write a row with the mean loss since the last such row."""
        numbers = {"loss": _rounded(total, ".8g"), "learning_rate": _rounded(rate, ".6g")}
        self._append({"step": step} | {key: f"{value:.8g}" for key, value in numbers.items()})
        rounded = {name: _plain(_rounded(value, ".8g")) for name, value in terms.items()}
        self._append_json(
            {
                "step": step,
                "loss": numbers["loss"],
                "terms": rounded,
                "learning_rate": numbers["learning_rate"],
            }
        )
        words = pace.words(step, self._steps)
        self.said(f"{loss_line(step, total, terms, rate)}  {words}")

    def scored(self, step: int, score: SetScore, *, best: bool) -> None:
        """Write a row with a validation."""
        row = {"step": step, "set": one_line(score.set_name), "protocol": score.protocol}
        numbers = score.rounded()
        self._append(row | {name: _cell(name, value) for name, value in numbers.items()})
        plain = {name: _plain(value) for name, value in numbers.items()}
        self._append_json(row | plain | {"best": best})
        # People are told where it counts; the machines' rows mark all of the step.
        self._watched = self._watched or score.set_name
        self.said(score_line(step, score, best=best and score.set_name == self._watched))

    def flush(self) -> None:
        """Force all rows to the disk: a state that is saved after them relies on them."""
        for file in (self._csv, self._json, self._text):
            file.flush()
            os.fsync(file.fileno())

    def ended(self, step: int, words: str) -> None:
        """Note how the session ended."""
        self.said(f"ended after step {step:,}: {words}")

    def failed(self, words: str) -> None:
        """Note why the session ended."""
        self.said(f"stopped: {words}")

    def close(self) -> None:
        """Close the files."""
        for file in (self._csv, self._json, self._text):
            file.close()

    def _append(self, row: dict[str, Any]) -> None:
        line = io.StringIO()
        csv.DictWriter(line, self._columns, lineterminator="\n").writerow(row)
        self._csv.write(line.getvalue())

    def _csv_step(self, line: str) -> int:
        (cells,) = csv.reader([line])
        if len(cells) != len(self._columns):
            raise ValueError("a torn row")
        return int(cells[0])

    def _append_json(self, row: dict[str, Any]) -> None:
        self._json.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """Read the rows of `log.jsonl` in a run's log folder; a torn last one is left out.

    An infinite PSNR comes back as a number, one that cannot be computed as NaN. No log, no rows.

    Raises: OSError when the log cannot be read.
    """
    path = folder / "log.jsonl"
    rows = [json.loads(line) for line in _kept(path, _json_step, math.inf)]
    for row in rows:
        for key in FORMS.keys() & row.keys():
            row[key] = math.nan if row[key] is None else float(row[key])
    return rows


def _kept(path: Path, step_of: Callable[[str], int], last: float) -> list[str]:
    """Give the whole lines of steps up to `last`, as they are."""
    if not path.exists():
        return []
    kept = []
    for line in io.StringIO(path.read_text(encoding="utf-8", errors="replace")):
        try:
            if line.endswith("\n") and step_of(line) <= last:
                kept.append(line)
        except (ValueError, TypeError, KeyError):
            continue  # the header, or what a power cut left
    return kept


def _json_step(line: str) -> int:
    return int(json.loads(line)["step"])


def _rewrite(path: Path, lines: list[str]) -> None:
    write_atomically(path, lambda file: file.write("".join(lines).encode()))


def _rounded(value: float, form: str) -> float:
    return float(format(value, form))


def _cell(name: str, value: float) -> str:
    return "" if math.isnan(value) else format(value, FORMS[name].logged)


def _plain(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else value
