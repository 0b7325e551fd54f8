"""Charts over time: lines, areas and stacked bars, with an axis, releases and a description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tracer.ui.charts.model import (
    Bar,
    Buckets,
    Drawing,
    Hit,
    Key,
    Line,
    Mark,
    Series,
    coloured,
    percent,
)
from tracer.ui.charts.scales import Scale, linear, logarithmic, spans_decades
from tracer.ui.charts.times import Tick, bucket_name, step_name, ticks
from tracer.ui.charts.units import Unit, on_axis, shown

_GAP: Final = 0.2
"""The share of a bucket's width that is left empty beside its bar."""
_WIDTH: Final = 1000
"""Of the coordinates of lines."""
_LABEL: Final = 18
"""The width of the name of a release in percent of a narrow chart."""


def lines(
    buckets: Buckets,
    series: Sequence[Series],
    unit: Unit,
    marks: Sequence[Mark] = (),
    *,
    log: bool | None = None,
) -> Drawing:
    """Draw a line per series; ``log`` None: on a log scale where the values span decades."""
    series = coloured(series)
    values = [value for each in series for value in each.values if value is not None]
    if log is None:
        log = spans_decades(values)
    scale = _scale(values, unit, log=log)
    shapes = [Line(path, each.css) for each in series for path in _paths(each.values, scale)]
    return _drawing(buckets, series, unit, marks, scale, shapes=shapes)


def areas(
    buckets: Buckets, series: Sequence[Series], unit: Unit, marks: Sequence[Mark] = ()
) -> Drawing:
    """Draw the series on top of each other as areas, the first at the bottom."""
    series = coloured(series)
    scale = linear(max(_sums(series), default=0), unit)
    shapes, below = [], [0.0] * len(buckets.starts)
    for each in series:
        above = [base + (value or 0) for base, value in zip(below, each.values, strict=True)]
        shapes.append(Line(_area(below, above, scale), each.css, filled=True))
        below = above
    return _drawing(buckets, series, unit, marks, scale, shapes=shapes)


def bars(
    buckets: Buckets, series: Sequence[Series], unit: Unit, marks: Sequence[Mark] = ()
) -> Drawing:
    """Draw a bar per bucket, stacked from the series, the first at the bottom."""
    series = coloured(series)
    scale = linear(max(_sums(series), default=0), unit)
    width = 100 / len(buckets.starts)
    stacked = []
    for index in range(len(buckets.starts)):
        base = 0.0
        for each in series:
            value = each.values[index]
            if not value:
                continue
            y, top = scale.position(base), scale.position(base + value)
            base += value
            stacked.append(
                Bar(
                    percent((index + _GAP / 2) * width),
                    percent(100 - top),
                    percent((1 - _GAP) * width),
                    percent(max(top - y, 0.7)),
                    each.css,
                    each.urls[index] if each.urls else "",
                    f"{bucket_name(buckets.starts[index], buckets.step)}: "
                    f"{each.label} {shown(value, unit)}",
                )
            )
    return _drawing(buckets, series, unit, marks, scale, stacked=stacked)


def _scale(values: Sequence[float], unit: Unit, *, log: bool) -> Scale:
    positive = [value for value in values if value > 0]
    if log and positive:
        return logarithmic(positive)
    return linear(max(values, default=0), unit, min(values, default=0))


def _drawing(
    buckets: Buckets,
    series: Sequence[Series],
    unit: Unit,
    marks: Sequence[Mark],
    scale: Scale,
    *,
    shapes: Sequence[Line] = (),
    stacked: Sequence[Bar] = (),
) -> Drawing:
    return Drawing(
        description=describe(buckets, series, unit),
        y_ticks=y_ticks(scale, unit),
        x_ticks=ticks(buckets.axis),
        hits=_hits(buckets, series, unit),
        bars=stacked,
        lines=shapes,
        marks=placed_marks(buckets, marks),
        key=[Key(each.label, each.css, shown(each.total, unit), each.url) for each in series],
        log=scale.log,
        since=buckets.starts[0],
        until=buckets.until,
        unit=unit,
    )


def y_ticks(scale: Scale, unit: Unit) -> list[Tick]:
    """Return the labels of a vertical axis, at percent from the top."""
    return [
        Tick(percent(100 - scale.position(value)), on_axis(value, unit)) for value in scale.ticks
    ]


def _hits(buckets: Buckets, series: Sequence[Series], unit: Unit) -> list[Hit]:
    width = 100 / len(buckets.starts)
    result = []
    for number, start in enumerate(buckets.starts):
        values = [
            f"{each.label} {shown(each.values[number], unit)}"
            for each in series
            if each.values[number] is not None
        ]
        url = buckets.urls[number] if buckets.urls else ""
        title = f"{bucket_name(start, buckets.step)}: {', '.join(values) or 'nothing'}"
        result.append(Hit(percent(number * width), percent(width), title, url))
    return result


def placed_marks(buckets: Buckets, marks: Sequence[Mark]) -> list[tuple[Tick, str]]:
    """Return the labels of events on the time axis, with their lists."""
    placed = [(buckets.axis.position(mark.time), mark) for mark in marks]
    placed = sorted(((x, mark) for x, mark in placed if 0 <= x <= 100), key=lambda pair: -pair[0])
    result, free = [], 200.0
    for x, mark in placed:
        others = [other for other, _ in placed if other != x]
        # The latest are named where names would cover each other or a line; all have their line.
        side = next((side for side in ("start", "end") if _fits(x, side, others, free)), "")
        if side:
            free = x if side == "start" else x - _LABEL
        result.append((Tick(percent(x), mark.label if side else "", side or "start"), mark.url))
    return result


def _fits(x: float, anchor: str, lines: Sequence[float], free: float) -> bool:
    left, right = (x - _LABEL, x) if anchor == "end" else (x, x + _LABEL)
    return left >= 0 and right <= min(100, free) and not any(left < line < right for line in lines)


def _sums(series: Sequence[Series]) -> list[float]:
    return [
        sum(filter(None, column)) for column in zip(*(each.values for each in series), strict=True)
    ]


def _points(values: Sequence[float | None], scale: Scale) -> list[list[tuple[float, float]]]:
    """Return the points of a line, as runs of buckets that have a value."""
    runs: list[list[tuple[float, float]]] = [[]]
    width = _WIDTH / len(values)
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            y = 100 - scale.position(value)
            runs[-1].append((round((number + 0.5) * width, 1), round(y, 1)))
    return [run for run in runs if run]


def _paths(values: Sequence[float | None], scale: Scale) -> list[str]:
    """Return the paths of a line; a value between two buckets without one is a short dash."""
    dash = 0.3 * _WIDTH / len(values)
    return [
        _path(run) if len(run) > 1 else f"M{run[0][0] - dash:.1f} {run[0][1]}h{2 * dash:.1f}"
        for run in _points(values, scale)
    ]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _area(below: Sequence[float], above: Sequence[float], scale: Scale) -> str:
    (upper,) = _points(above, scale)
    (lower,) = _points(below, scale)
    if len(upper) == 1:
        (x, y), (_, base) = upper[0], lower[0]
        return f"M{x - 4:g} {y:g}h8V{base:g}h-8Z"
    return f"{_path([*upper, *reversed(lower)])}Z"


def describe(buckets: Buckets, series: Sequence[Series], unit: Unit) -> str:
    """Return a sentence per series, for screen readers."""
    step, first = buckets.step, buckets.starts[0]
    sentences = [f"Per {step_name(step)} from {bucket_name(first, step)}."]
    for each in series:
        known = [
            (value, start)
            for value, start in zip(each.values, buckets.starts, strict=True)
            if value is not None
        ]
        if not known:
            sentences.append(f"{each.label}: no values.")
            continue
        most, time = max(known)
        whole = f"{shown(each.total, unit)} in total, " if each.total is not None else ""
        sentences.append(
            f"{each.label}: {whole}highest {shown(most, unit)} on {bucket_name(time, step)}."
        )
    return " ".join(sentences)
