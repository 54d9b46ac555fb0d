"""How the report of a run looks: the page, made of what `report` found in the run's folder.

It asks for nothing outside of itself, which its Content-Security-Policy enforces, and runs no
script. Its style sheet is `report.css`.
"""

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from srkit.training.config import TrainingConfig
from srkit.training.curves import Curve, chart
from srkit.training.score import FORMS, briefly
from srkit.training.state import Counters
from srkit.training.wording import count_of

STRIPS = 8
"""Images whose samples are shown, over all sets."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """All that the report is made of."""

    config: TrainingConfig
    counters: Counters
    finished: bool
    parameters: int
    trained_parameters: int
    scale: int
    classes: int
    """Of a classifier; 0 for other networks."""
    losses: list[dict[str, Any]]
    """Rows of the log that have a loss."""
    scores: dict[str, list[dict[str, Any]]]
    """Rows of the log that have a score, by set."""
    strips: dict[tuple[str, str], dict[int, Path]]
    """Pictures by set and image, and then by step."""
    settings: str
    commands: str


def page(run: Record) -> str:
    """Write the whole page as text."""
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    name = escape(run.config.name)
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}: training report</title><style>\n{style}</style></head><body>",
        f'<header><h1>{name}</h1><p class="lead">{escape(_status(run))}</p></header>',
        f"<main>{_tiles(run)}",
        _section("Curves", _curves(run)),
        _section("Samples", _samples(run)),
        _section("Validations", _validations(run)),
        _section("Run", _facts(run)),
        _section("Commands", f"<pre>{escape(run.commands)}</pre>" if run.commands else ""),
        _section("Configuration", f"<pre>{escape(run.settings)}</pre>"),
        "</main></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>" if content else ""


def _status(run: Record) -> str:
    step, steps = run.counters.step, run.config.train.total_iter
    model = run.config.network_g.type + (f" x{run.scale}" if run.scale > 1 else "")
    if run.finished and step < steps:
        return f"{model}; ended early after {step:,} of {steps:,} steps, the score stood still"
    if run.finished:
        return f"{model}; finished after {step:,} steps"
    return f"{model}; stopped after {step:,} of {steps:,} steps, --resume goes on"


def _tiles(run: Record) -> str:
    tiles = []
    for name, rows in list(run.scores.items())[:2]:
        last, key = rows[-1], _numbers(rows)[0]
        best = max(rows, key=lambda row: row[key])
        words = f"{FORMS[key].label} on {name} ({last['protocol']})"
        tiles.append((briefly(key, last[key]), words))
        if best[key] > last[key]:
            tiles.append((briefly(key, best[key]), f"best on {name}, step {best['step']:,}"))
    tiles.append((f"{run.parameters:,}", "parameters"))
    tiles.append((f"{run.counters.step:,}", "steps"))
    if run.counters.seconds:
        tiles.append((_duration(run.counters.seconds), "of training"))
    return '<div class="tiles">{}</div>'.format(
        "".join(
            f'<div class="tile"><b>{escape(number)}</b><span>{escape(words)}</span></div>'
            for number, words in tiles
        )
    )


def _curves(run: Record) -> str:
    total = [(row["step"], row["loss"]) for row in run.losses]
    names = list(run.losses[-1]["terms"]) if run.losses else []
    terms = [
        Curve(
            name=name,
            points=[
                (row["step"], row["terms"][name])
                for row in run.losses
                if row["terms"].get(name) is not None
            ],
        )
        for name in names
    ]
    losses = [Curve(name="total" if len(terms) > 1 else "loss", points=total)]
    losses += terms if len(terms) > 1 else []
    rates = [Curve(name="rate", points=[(row["step"], row["learning_rate"]) for row in run.losses])]
    title = "Loss, and its terms before they are weighted" if len(terms) > 1 else "Loss"
    charts = [chart(title, losses, form=".4g", log=True), chart("Learning rate", rates, form=".3g")]
    for name, rows in run.scores.items():
        for key in _numbers(rows):
            form = FORMS[key]
            label = f"{form.label} in {form.unit}" if form.unit else form.label
            curve = Curve(name=label, points=[(row["step"], row[key]) for row in rows])
            title = f"{name}: {label} ({rows[-1]['protocol']})"
            charts.append(chart(title, [curve], form=form.brief, peak=True))
    drawn = "".join(charts)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _samples(run: Record) -> str:
    sets = {name for name, _ in run.strips}
    each = max(1, STRIPS // max(1, len(sets)))
    shown: dict[str, list[str]] = {}
    for (name, image), strips in run.strips.items():
        if len(shown.setdefault(name, [])) < each:
            shown[name].append(_figure(image, strips))
    return "".join(f"<h3>{escape(name)}</h3>{''.join(figures)}" for name, figures in shown.items())


def _figure(image: str, strips: dict[int, Path]) -> str:
    first, *_, last = [*strips, *strips]  # once more, for there may be only one
    pictures = [(last, f"after {last:,} steps")]
    if first != last:
        pictures.append((first, f"after {first:,} steps, to compare"))
    drawn = ""
    for step, words in pictures:
        data = base64.b64encode(strips[step].read_bytes()).decode()
        alt = escape(f"{image} {words}: the LR crop, enlargements of it, and the HR crop")
        drawn += f'<p>{words}</p><img alt="{alt}" src="data:image/png;base64,{data}">'
    return f'<figure class="strips"><figcaption>{escape(image)}</figcaption>{drawn}</figure>'


def _validations(run: Record) -> str:
    if not run.scores:
        return ""
    sets = list(run.scores)
    keys = _numbers(run.scores[sets[0]])
    cells = {
        (row["step"], name): " / ".join(_fixed(row[key], FORMS[key].read) for key in keys)
        for name in sets
        for row in run.scores[name]
    }
    steps = sorted({step for step, _ in cells}, reverse=True)
    rows = [[f"{step:,}", *(cells.get((step, name), "") for name in sets)] for step in steps]
    words = " / ".join(FORMS[key].label for key in keys)
    table = _table(["step", *(f"{name}: {words}" for name in sets)], rows)
    opened = " open" if len(rows) <= 10 else ""
    return f"<details{opened}><summary>All {len(rows)}, the last first</summary>{table}</details>"


def _facts(run: Record) -> str:
    config, recipe, images = run.config, run.config.train, run.config.datasets.train
    settings = ", ".join(
        f"{key} {value}" for key, value in config.network_g.settings.items() if key != "classes"
    )
    made = images.degradation["type"]
    if images.dataroot_lq or images.lr_track:
        given = [root or made for root in images.dataroot_lq or []]
        made = ", ".join(given) or f"DIV2K's {images.lr_track}"
    if run.classes:
        made = ""
    patches = f"{run.counters.patches:,}" if run.counters.patches else ""
    weights = [f"{weight:g} x {name}" for name, weight in recipe.losses.items()]
    losses = ", ".join(weights or (run.losses[-1]["terms"] if run.losses else []))
    shown = {
        "Model": config.network_g.type + (f" ({settings})" if settings else ""),
        "Scale": "" if run.classes else str(run.scale),
        "Classes": str(run.classes or ""),
        "Parameters": count_of(run.parameters, run.trained_parameters),
        "Trained on": ", ".join(images.dataroot_gt),
        "LR images": made,
        "Images a step" if run.classes else "Patches a step": patches,
        "Losses": losses,
        "Optimizer": f"{recipe.optim_g.type}, rate up to {recipe.optim_g.lr:g}, "
        f"{recipe.scheduler.type}",
        "Average": f"decay {recipe.ema_decay:g}" if recipe.ema_decay else "none",
        "Precision": recipe.precision,
        "Validated on": ", ".join(one.name or one.dataroot_gt for one in config.datasets.val),
        "Steps": f"{run.counters.step:,} of {recipe.total_iter:,}",
        "Time": _duration(run.counters.seconds) if run.counters.seconds else "",
        "Seed": str(config.manual_seed),
        "Weights": f"models/{config.name}.safetensors",
    }
    return _table([], [[key, value] for key, value in shown.items() if value])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    top = f"<thead><tr>{top}</tr></thead>" if head else ""
    return f'<div class="scroll"><table class="numbers">{top}<tbody>{body}</tbody></table></div>'


def _numbers(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Name the numbers of a set's scores; the first is what counts."""
    return [name for name in FORMS if name in rows[0]]


def _fixed(value: float, form: str) -> str:
    return "-" if math.isnan(value) else f"{value:{form}}"


def _duration(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
