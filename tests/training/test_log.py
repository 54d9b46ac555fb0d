"""The log of a run says the same of equal runs, and stands whole after a kill and a resume."""

import csv
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from srkit.training.config import TrainingConfig
from srkit.training.log import COLUMNS, RunLog, read_rows
from srkit.training.loop import train
from srkit.training.pace import Pace

from .run_making import FACTS, score


def write(folder: Path, first: int, last: int, *, seconds: float = 0.0) -> RunLog:
    """Log the steps after `first` as a run does: a loss each, a validation every second."""
    log = RunLog(folder, step=first)
    log.started(FACTS)
    pace = Pace(done=first, seconds=seconds)
    for step in range(first + 1, last + 1):
        if step % 2 == 0:
            log.scored(step, score(30 + step / 7), best=step > 4)
        log.losses(step, 1 / (step + 2), {"l1": 1 / step, "ssim": 0.1}, 1e-3 / step, pace)
    return log


def machine_logs(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("log.csv", "log.jsonl")]


def test_rows_are_there_as_soon_as_they_are_logged(tmp_path: Path) -> None:
    log = write(tmp_path, 0, 2)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines == [
        "step,loss,learning_rate,set,protocol,psnr,ssim",
        "1,0.33333333,0.001,,,,",
        "2,,,Set5,sr-y,30.2857,0.900000",
        "2,0.25,0.0005,,,,",
    ]
    assert read_rows(tmp_path) == [
        {"step": 1, "loss": 0.33333333, "terms": {"l1": 1, "ssim": 0.1}, "learning_rate": 0.001},
        {
            "step": 2,
            "set": "Set5",
            "protocol": "sr-y",
            "psnr": 30.2857,
            "ssim": 0.9,
            "best": False,
        },
        {"step": 2, "loss": 0.25, "terms": {"l1": 0.5, "ssim": 0.1}, "learning_rate": 0.0005},
    ]
    log.close()


def test_equal_runs_of_unequal_speed_write_equal_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one", 0, 9).close()
    write(tmp_path / "two", 0, 9, seconds=1000).close()
    assert machine_logs(tmp_path / "one") == machine_logs(tmp_path / "two")


@pytest.mark.parametrize("torn", [b"", b"7,0.1", b'{"step": 7, "lo', b"\0\0\0\n", b"7,,\n", b"7\n"])
@pytest.mark.parametrize("step", [0, 4, 6])
def test_a_resumed_log_is_that_of_an_uninterrupted_run(
    tmp_path: Path, step: int, torn: bytes
) -> None:
    write(tmp_path / "whole", 0, 9).close()
    write(tmp_path / "run", 0, 6).close()
    for name in ("log.csv", "log.jsonl"):
        with (tmp_path / "run" / name).open("ab") as file:
            file.write(torn)
    write(tmp_path / "run", step, 9).close()
    assert machine_logs(tmp_path / "run") == machine_logs(tmp_path / "whole")


def test_flush_forces_every_row_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write(tmp_path, 0, 3)
    forced: list[int] = []
    monkeypatch.setattr("os.fsync", forced.append)
    log.flush()
    assert len(set(forced)) == 3
    log.close()


def test_what_is_no_number_survives_in_both_formats(tmp_path: Path) -> None:
    log = RunLog(tmp_path, step=0)
    log.scored(1, score(math.inf, ssim=math.nan), best=True)
    log.close()
    assert (tmp_path / "log.csv").read_text().endswith("\n1,,,Set5,sr-y,inf,\n")
    assert '"psnr": "inf", "ssim": null' in (tmp_path / "log.jsonl").read_text()
    (row,) = read_rows(tmp_path)
    assert row["psnr"] == math.inf
    assert math.isnan(row["ssim"])


def test_any_name_of_a_set_stays_on_its_line(tmp_path: Path) -> None:
    for name in ('a, "b"', "two\nlines", "Fotos für später", "\udcff", "a\x0bb\u2028c"):
        log = RunLog(tmp_path, step=0)
        log.scored(1, score(30, set_name=name), best=True)
        log.close()
        RunLog(tmp_path, step=1).close()
        with (tmp_path / "log.csv").open(newline="", encoding="utf-8") as file:
            (row,) = csv.DictReader(file)
        assert row["psnr"] == "30.0000"
        assert read_rows(tmp_path)[0]["set"] == row["set"]
        assert "\n" not in row["set"]


def test_people_are_told_when_how_fast_and_how_long(tmp_path: Path) -> None:
    log = write(tmp_path, 0, 6)
    log.warn("the state before it")
    log.ended(6, "go on with --resume")
    log.close()
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \S", line) for line in lines)
    assert lines[0].endswith(
        "tiny: lapwave-s, 4,044 parameters; cpu, float32; "
        "2 images, 0.50 megapixels of photographs; 20 steps"
    )
    assert re.search(
        r"step 1  loss 0\.33333 \(l1 1\.00000, ssim 0\.10000\)  rate 1\.00e-03  "
        r"\S+ steps/s  \d+:\d\d:\d\d left",
        lines[1],
    )
    assert lines[2].endswith("step 2  Set5 sr-y  PSNR 30.286  SSIM 0.9000")
    assert any(line.endswith("SSIM 0.9000  best so far") for line in lines)
    assert lines[-2].endswith("warning: the state before it")
    assert lines[-1].endswith("ended after step 6: go on with --resume")


def test_only_the_first_set_is_called_the_best(tmp_path: Path) -> None:
    log = RunLog(tmp_path, step=0)
    log.scored(1, score(30), best=True)
    log.scored(1, score(28, set_name="Set14"), best=True)
    log.close()
    assert (tmp_path / "log.txt").read_text().count("best so far") == 1


def test_the_words_of_earlier_sessions_stay(tmp_path: Path) -> None:
    write(tmp_path, 0, 6).close()
    text = tmp_path / "log.txt"
    before = text.read_bytes()[:-5]
    text.write_bytes(before)
    write(tmp_path, 2, 3).close()
    assert text.read_bytes().startswith(before + b"\n20")


def test_no_log_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "absent") == []


def test_both_formats_of_a_run_say_the_same(
    configure: Callable[..., TrainingConfig], tmp_path: Path
) -> None:
    train(configure({"train.losses": {"l1": 1.0, "frequency": 0.1}}), tmp_path / "run")
    with (tmp_path / "run" / "log" / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = read_rows(tmp_path / "run" / "log")
    assert len(rows) == 12 // 3 + 12 // 6
    for row, ours in zip(rows, found, strict=True):
        assert row == {key: "" if key not in ours else row[key] for key in COLUMNS}
        for key in {"step", "loss", "learning_rate", "psnr", "ssim"} & set(ours):
            assert float(row[key]) == ours[key]
    losses = [row for row in found if "loss" in row]
    for row in losses:
        terms = row["terms"]
        assert row["loss"] == pytest.approx(terms["l1"] + 0.1 * terms["frequency"], rel=1e-5)
