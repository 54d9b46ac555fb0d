"""Results are laid out without losing a number."""

import csv
import io
import json
import math

from rich.console import Console

from srkit.evaluation.evaluate import Result, Row
from srkit.evaluation.tables import caption, to_csv, to_json, to_table


def row(name: str, psnr: float, ssim: float, lpips: float | None) -> Row:
    return Row(name=name, psnr=psnr, ssim=ssim, lpips=lpips, seconds=0.5, megapixels=0.25)


GOOD = Result(
    model="net[red]",
    dataset="Set5",
    scale=4,
    protocol="sr-y",
    rows=(row("a,b.png", 30.0, 0.9, 0.1), row("c.png", 31.123456789, 0.8, 0.2)),
)
ODD = Result(
    model="bicubic",
    dataset="mine",
    scale=4,
    protocol="sr-y",
    rows=(row("tiny.png", math.inf, math.nan, math.nan),),
)


def printed(*results: Result) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=200)
    table = to_table(results)
    table.box = None
    console.print(table)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.split() for line in text.splitlines()]


def test_the_table_has_a_line_a_model_and_set() -> None:
    assert printed(GOOD, ODD) == [
        ["set", "images", "model", "PSNR", "dB", "SSIM", "LPIPS", "s/Mpx"],
        ["Set5", "2", "net[red]", "30.56", "0.8500", "0.1500", "2.00"],
        ["mine", "1", "bicubic", "inf", "-", "-", "2.00"],
    ]


def test_the_column_of_lpips_is_there_only_when_measured() -> None:
    plain = Result(
        model="m", dataset="d", scale=2, protocol="sr-rgb", rows=(row("a", 30.0, 0.9, None),)
    )
    assert printed(plain)[0] == ["set", "images", "model", "PSNR", "dB", "SSIM", "s/Mpx"]
    assert "LPIPS" not in caption([plain], matlab_lr=True)


def test_the_caption_states_the_protocol() -> None:
    assert caption([GOOD], matlab_lr=True) == (
        "x4; sr-y: BT.601 Y, crop 4, prediction rounded, mean over images; LR: MATLAB bicubic; "
        "LPIPS (AlexNet, v0.1), RGB, same crop"
    )
    assert "LR: given" in caption([GOOD], matlab_lr=False)


def test_csv_has_a_line_an_image_and_every_digit() -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv([GOOD, ODD]))))
    assert [line["image"] for line in lines] == ["a,b.png", "c.png", "tiny.png"]
    assert float(lines[1]["psnr"]) == 31.123456789
    assert lines[1] == {
        "model": "net[red]",
        "dataset": "Set5",
        "scale": "4",
        "protocol": "sr-y",
        "image": "c.png",
        "psnr": "31.123456789",
        "ssim": "0.8",
        "lpips_alex_v0.1": "0.2",
        "seconds": "0.5",
        "megapixels": "0.25",
    }
    assert (lines[2]["psnr"], lines[2]["ssim"], lines[2]["lpips_alex_v0.1"]) == ("inf", "", "")


def test_json_is_strict_json() -> None:
    report = json.loads(json.dumps(to_json([GOOD, ODD], matlab_lr=True), allow_nan=False))
    assert (report["protocol"], report["scale"], report["crop"]) == ("sr-y", 4, 4)
    assert (report["lr"], report["lpips"]) == ("matlab-bicubic", "LPIPS (AlexNet, v0.1)")
    good, odd = report["results"]
    assert (good["model"], good["dataset"], good["images"]) == ("net[red]", "Set5", 2)
    assert good["rows"][1]["psnr"] == 31.123456789
    assert (odd["psnr"], odd["ssim"], odd["lpips"]) == ("inf", None, None)
