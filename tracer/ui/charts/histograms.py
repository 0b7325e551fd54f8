"""Histograms of values, and heat maps of values over time, on a log scale where that fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tracer.ui.charts.model import Bar, Buckets, Drawing, Hit, Key, Mark, percent
from tracer.ui.charts.plots import placed_marks, y_ticks
from tracer.ui.charts.scales import linear, logarithmic
from tracer.ui.charts.times import Tick, anchor, bucket_name, ticks
from tracer.ui.charts.units import Unit, on_axis, shown
from tracer.ui.render.format import whole

HEAT: Final = ("h1", "h2", "h3", "h4", "h5")
"""CSS classes of the cells of a heat map, from few to many."""


_WIDE: Final = 100
"""An axis that spans less than this factor has labels at 2 and 5 between powers of ten."""


@dataclass(frozen=True, slots=True)
class Bin:
    """A range of values, the number of values in it, and the list page of their rows."""

    low: float
    high: float
    count: int
    url: str = ""


def histogram(bins: Sequence[Bin], unit: Unit, noun: str, marked: float | None = None) -> Drawing:
    """Draw how many values lie in each bin; ``marked``: the value of the visited row.

    All bins are equally wide: those whose bounds grow by a factor make a log scale.
    """
    counts = linear(max((each.count for each in bins), default=0), Unit.COUNT)
    width = 100 / max(1, len(bins))
    drawn, hits = [], []
    for number, each in enumerate(bins):
        if each.count:
            top = max(counts.position(each.count), 0.7)
            x, wide = (number + 0.05) * width, 0.9 * width
            drawn.append(Bar(percent(x), percent(100 - top), percent(wide), percent(top), "s1"))
        title = f"{bin_name(each, unit)}: {whole(each.count)} {noun}"
        hits.append(Hit(percent(number * width), percent(width), title, each.url))
    return Drawing(
        description=_description(bins, unit, noun),
        y_ticks=y_ticks(counts, Unit.COUNT),
        x_ticks=[
            Tick(percent(x), on_axis(value, unit), anchor(x)) for x, value in _value_ticks(bins)
        ],
        hits=hits,
        bars=drawn,
        marks=[(_marked(bins, marked, unit), "")] if marked is not None and bins else [],
        log=_is_log(bins),
        unit=unit,
    )


def heat_map(
    buckets: Buckets,
    rows: Sequence[Bin],
    counts: Sequence[Sequence[int]],
    urls: Sequence[Sequence[str]],
    unit: Unit,
    marks: Sequence[Mark] = (),
) -> Drawing:
    """Draw a cell per bucket of time and range of values, darker the more values it has.

    ``rows`` are the ranges in ascending order; ``counts[bucket][row]``, ``urls[bucket][row]``.
    """
    maximum = max((count for column in counts for count in column), default=0)
    width, height = 100 / len(buckets.starts), 100 / max(1, len(rows))
    cells = []
    for number, column in enumerate(counts):
        when = bucket_name(buckets.starts[number], buckets.step)
        for index, (row, count) in enumerate(zip(rows, column, strict=True)):
            if count:
                x, y = percent(number * width), percent(100 - (index + 1) * height)
                title = f"{when}, {bin_name(row, unit)}: {whole(count)}"
                rectangle = x, y, percent(width), percent(height)
                cells.append(Bar(*rectangle, heat(count, maximum), urls[number][index], title))
    return Drawing(
        description=f"{_description(rows, unit, 'values')} Darkest: {whole(maximum)} in one cell.",
        y_ticks=[Tick(percent(100 - x), on_axis(value, unit)) for x, value in _value_ticks(rows)],
        x_ticks=ticks(buckets.axis),
        bars=cells,
        marks=placed_marks(buckets, marks),
        key=_heat_key(maximum),
        log=_is_log(rows),
        since=buckets.starts[0],
        until=buckets.until,
        unit=unit,
    )


def heat(count: int, maximum: int) -> str:
    """Return the class of a cell: its shade grows with the logarithm of the count."""
    if maximum <= 1:
        return HEAT[-1]
    return HEAT[min(len(HEAT) - 1, int(len(HEAT) * math.log(count + 1) / math.log(maximum + 1)))]


def _heat_key(maximum: int) -> list[Key]:
    """Return the key of the shades: the lowest count of each."""
    first: dict[str, int] = {}
    for count in range(1, min(maximum, 10_000) + 1):
        first.setdefault(heat(count, maximum), count)
    return [Key(f"{whole(least)}+", css) for css, least in first.items()]


def _is_log(bins: Sequence[Bin]) -> bool:
    """Return whether the bins grow from the first to the last."""
    positive = [each.high - each.low for each in bins if each.low > 0]
    return len(positive) > 1 and positive[-1] > 1.5 * positive[0]


def _value_ticks(bins: Sequence[Bin]) -> list[tuple[float, float]]:
    """Return (percent of the axis, value) of round numbers within the bins, and of zero."""
    if not bins:
        return []
    low = min((each.low for each in bins if each.low > 0), default=0)
    values = [0.0] if bins[0].low <= 0 else []
    if low:
        values += [value for value in _round_values(low, bins[-1].high) if value >= low]
    return [(_position(bins, value), value) for value in values if value <= bins[-1].high]


def _round_values(low: float, high: float) -> list[float]:
    """Return powers of ten, with 2 and 5 between them where there are few."""
    decades = logarithmic([low, high]).ticks
    if high / low >= _WIDE:
        return list(decades)
    return [
        float(f"{digit}e{round(math.log10(power))}") for power in decades for digit in (1, 2, 5)
    ]


def _position(bins: Sequence[Bin], value: float) -> float:
    """Return where a value lies, in percent of an axis on which all bins are equally wide."""
    width = 100 / len(bins)
    for number, each in enumerate(bins):
        if value < each.high or value == each.high == each.low:
            part = 0.0 if value <= each.low else _position_in_bin(each, value)
            return (number + part) * width
    return 100.0


def _position_in_bin(each: Bin, value: float) -> float:
    if each.low > 0:
        return math.log(value / each.low) / math.log(each.high / each.low)
    return (value - each.low) / (each.high - each.low)


def _marked(bins: Sequence[Bin], value: float, unit: Unit) -> Tick:
    x = percent(_position(bins, value))
    return Tick(x, f"this one: {shown(value, unit)}", "end" if x > 70 else "start")


def bin_name(each: Bin, unit: Unit) -> str:
    """Return the name of a bin: ``2.33 s to 3.03 s``."""
    if each.low == each.high:
        return shown(each.low, unit)
    return f"{shown(each.low, unit)} to {shown(each.high, unit)}"


def _description(bins: Sequence[Bin], unit: Unit, noun: str) -> str:
    if not any(each.count for each in bins):
        return f"No {noun}."
    largest = max(bins, key=lambda each: each.count)
    total = sum(each.count for each in bins)
    return (
        f"{whole(total)} {noun} from {shown(bins[0].low, unit)} to {shown(bins[-1].high, unit)}; "
        f"most, {whole(largest.count)}, from {bin_name(largest, unit)}."
    )
