"""Results as a table for people, CSV for spreadsheets and JSON for programs.

Convention
    JSON has no infinity and no NaN: an infinite PSNR is the string "inf", a number that cannot be
    computed is null. CSV says `inf` and leaves the other empty. Numbers there are not rounded.
"""

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from srkit.evaluation.evaluate import Result, Row
from srkit.evaluation.metrics import PROTOCOLS
from srkit.evaluation.perceptual import NAME as LPIPS_NAME

COLUMNS = (
    "model",
    "dataset",
    "scale",
    "protocol",
    "image",
    "psnr",
    "ssim",
    "lpips_alex_v0.1",
    "seconds",
    "megapixels",
)


def caption(results: Sequence[Result], *, matlab_lr: bool) -> str:
    """Say in one line what the numbers are: protocol, LR images, LPIPS's net and version."""
    first = results[0]
    parts = [
        f"x{first.scale}",
        PROTOCOLS[first.protocol].describe(first.scale),
        f"LR: {'MATLAB bicubic' if matlab_lr else 'given'}",
    ]
    if first.lpips is not None:
        parts.append(f"{LPIPS_NAME}, RGB, same crop")
    return "; ".join(parts)


def to_table(results: Sequence[Result]) -> Table:
    """Lay results out one line a model and set, a rule wherever the set changes."""
    with_lpips = any(result.lpips is not None for result in results)
    table = Table()
    table.add_column("set")
    table.add_column("images", justify="right")
    table.add_column("model")
    table.add_column("PSNR dB", justify="right")
    table.add_column("SSIM", justify="right")
    if with_lpips:
        table.add_column("LPIPS", justify="right")
    table.add_column("s/Mpx", justify="right")
    previous = None
    for result in results:
        if previous is not None and result.dataset != previous:
            table.add_section()
        previous = result.dataset
        cells: list[str | Text] = [
            Text(result.dataset),  # not a str, whose square brackets would be markup
            str(len(result.rows)),
            Text(result.model),
            _fixed(result.psnr, 2),
            _fixed(result.ssim, 4),
        ]
        if with_lpips:
            cells.append(_fixed(result.lpips, 4))
        table.add_row(*cells, _fixed(result.seconds / result.megapixels, 2))
    return table


def to_csv(results: Sequence[Result]) -> str:
    """Write one line an image, in the order the images were measured, under a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for result in results:
        for row in result.rows:
            writer.writerow(
                [result.model, result.dataset, result.scale, result.protocol, row.name]
                + [
                    "" if value is None or math.isnan(value) else repr(value)
                    for value in (row.psnr, row.ssim, row.lpips, row.seconds, row.megapixels)
                ]
            )
    return text.getvalue()


def to_json(results: Sequence[Result], *, matlab_lr: bool) -> dict[str, Any]:
    """Give everything as plain values that `json.dumps` takes with allow_nan=False."""
    first = results[0]
    return {
        "protocol": first.protocol,
        "scale": first.scale,
        "crop": PROTOCOLS[first.protocol].crop(first.scale),
        "lr": "matlab-bicubic" if matlab_lr else "given",
        "lpips": None if first.lpips is None else LPIPS_NAME,
        "results": [
            {
                "model": result.model,
                "dataset": result.dataset,
                "images": len(result.rows),
                **_numbers(result),
                "rows": [{"image": row.name, **_numbers(row)} for row in result.rows],
            }
            for result in results
        ],
    }


def _numbers(scores: Result | Row) -> dict[str, float | str | None]:
    return {
        key: _plain(getattr(scores, key))
        for key in ("psnr", "ssim", "lpips", "seconds", "megapixels")
    }


def _plain(value: float | None) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    return "inf" if math.isinf(value) else value


def _fixed(value: float | None, digits: int) -> str:
    if value is None or math.isnan(value):
        return "-"
    return "inf" if math.isinf(value) else f"{value:.{digits}f}"
