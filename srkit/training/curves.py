"""Curves over the steps of a run as inline SVG, which needs no script and no library to be seen.

Colours and type come from the page's style sheet (`report.css`): curve n has the class `k<n>`.
Each chart says in words what it shows, for those who cannot see it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 30, 40
COLOURS = 6
POINTS = 400
"""Points a line is made of; longer ones are averaged over neighbours."""
DOTTED = 60
"""Points up to which each has a dot that tells its number."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Numbers by step; those that are not finite are left out."""

    name: str
    points: Sequence[tuple[int, float]]

    @property
    def finite(self) -> list[tuple[int, float]]:
        return [point for point in self.points if math.isfinite(point[1])]


@dataclass(frozen=True)
class _Axis:
    """Where a value lies between the ends of an axis, and which values are written on it."""

    place: Callable[[float], float]
    ticks: list[tuple[float, str]]


def chart(
    title: str, curves: Sequence[Curve], *, form: str, log: bool = False, peak: bool = False
) -> str:
    """Draw curves as an HTML figure; empty when there is nothing to draw.

    `form` is how a number is written; `peak` marks the highest value of the first curve.
    """
    curves = [curve for curve in curves if curve.finite]
    if not curves:
        return ""
    values = [value for curve in curves for _, value in curve.finite]
    last = max(curve.finite[-1][0] for curve in curves)
    x = _linear(0, last, LEFT, WIDTH - RIGHT, most=6)
    scale = _logarithmic if log and min(values) > 0 else _linear
    y = scale(*_widened(min(values), max(values), log), HEIGHT - BOTTOM, TOP)
    drawn = _grid(x, y)
    # The first is what the chart is about, and lies on top of the others.
    for index, curve in reversed(list(enumerate(curves))):
        drawn += _line(curve, _style(index), x, y, form)
    if peak:
        drawn += _peak(curves[0], x, y, form)
    words = " ".join(_described(curve, form) for curve in curves)
    return (
        f'<figure class="chart"><figcaption>{escape(title)}{_legend(curves, form)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}. '
        f'{escape(words)}">{drawn}</svg></figure>'
    )


def _style(index: int) -> str:
    """Give the classes of a curve: colours that come again are dashed."""
    return f"k{index % COLOURS}" + (" dashed" if index >= COLOURS else "")


def _line(curve: Curve, style: str, x: _Axis, y: _Axis, form: str) -> str:
    points = _thinned(curve.finite)
    places = [(x.place(step), y.place(value)) for step, value in points]
    line = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
    drawn = f'<polyline class="line {style}" points="{line}"/>'
    if len(points) <= DOTTED:
        for (step, value), (left, top) in zip(points, places, strict=True):
            words = escape(f"{curve.name}: {value:{form}} at step {step:,.0f}")
            dot = f'class="dot {style}" cx="{left:.1f}" cy="{top:.1f}" r="3"'
            drawn += f"<circle {dot}><title>{words}</title></circle>"
    return drawn


def _peak(curve: Curve, x: _Axis, y: _Axis, form: str) -> str:
    step, value = max(curve.finite, key=lambda point: point[1])
    left, top = x.place(step), y.place(value)
    # The words stay inside the picture, whichever edge they are near.
    anchor = "start" if left < LEFT + 80 else "end" if left > WIDTH - RIGHT - 80 else "middle"
    return (
        f'<circle class="peak k0" cx="{left:.1f}" cy="{top:.1f}" r="5"/>'
        f'<text class="peak" x="{left:.1f}" y="{top - 11:.1f}" text-anchor="{anchor}">'
        f"best {value:{form}} at {step:,}</text>"
    )


def _grid(x: _Axis, y: _Axis) -> str:
    drawn, floor = "", HEIGHT - BOTTOM
    for value, words in y.ticks:
        top = y.place(value)
        drawn += f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{top:.1f}" '
        drawn += f'y2="{top:.1f}"/><text x="{LEFT - 8}" y="{top + 4:.1f}" text-anchor="end">'
        drawn += f"{words}</text>"
    drawn += f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>'
    for value, words in x.ticks:
        left = x.place(value)
        drawn += f'<text x="{left:.1f}" y="{floor + 18}" text-anchor="middle">{words}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    return drawn + f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">step</text>'


def _legend(curves: Sequence[Curve], form: str) -> str:
    if len(curves) < 2:
        return ""
    entries = (
        f'<span class="entry"><span class="swatch {_style(index)}"></span>'
        f"{escape(curve.name)} {curve.finite[-1][1]:{form}}</span>"
        for index, curve in enumerate(curves)
    )
    return f'<span class="legend">{"".join(entries)}</span>'


def _described(curve: Curve, form: str) -> str:
    points = curve.finite
    low, high = (pick(points, key=lambda point: point[1]) for pick in (min, max))
    return (
        f"{curve.name}: {points[0][1]:{form}} at step {points[0][0]:,}, {points[-1][1]:{form}} at "
        f"step {points[-1][0]:,}; lowest {low[1]:{form}} at step {low[0]:,}, highest "
        f"{high[1]:{form}} at step {high[0]:,}."
    )


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    size = math.ceil(len(points) / POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [
        (sum(step for step, _ in group) / len(group), sum(value for _, value in group) / len(group))
        for group in groups
    ]


def _widened(low: float, high: float, log: bool) -> tuple[float, float]:
    """Leave some room above and below the values, and some height when they are all the same."""
    if log and low > 0:
        room = max((high / low) ** 0.06, 1.02)
        return low / room, high * room
    room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
    return low - room if low < 0 or low > room else 0.0, high + room


def _linear(low: float, high: float, start: float, end: float, most: int = 5) -> _Axis:
    step = _round_step((high - low) / most or 1.0)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = [number * step for number in range(first, last + 1)]
    span = high - low or 1.0
    written = [(value, f"{value:,.{digits}f}" if digits < 4 else f"{value:.6g}") for value in ticks]
    return _Axis(lambda value: start + (value - low) / span * (end - start), written)


def _logarithmic(low: float, high: float, start: float, end: float) -> _Axis:
    span = math.log(high / low)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9)):
        ticks = [float(f"{digit}e{decade}") for decade in decades for digit in digits]
        ticks = [value for value in ticks if low <= value <= high]
        if len(ticks) >= 4:
            break
    if len(ticks) < 3:  # a small part of a decade is nearly straight
        ticks = [value for value, _ in _linear(low, high, start, end).ticks]
    written = [(value, f"{value:.4g}") for value in ticks]
    return _Axis(lambda value: start + math.log(value / low) / span * (end - start), written)


def _round_step(least: float) -> float:
    """Give the smallest of 1, 2, 5, 10, 20, ... and their tenths that is not less.

    >>> _round_step(0.13)
    0.2
    """
    power = 10.0 ** math.floor(math.log10(least))
    return next(
        float(f"{digit * power:.6g}") for digit in (1, 2, 5, 10) if digit * power >= least * 0.999
    )
