"""The types of charts: series of values, and the drawing that a template writes as SVG."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tracer.ui.charts.times import Tick, TimeAxis
from tracer.ui.charts.units import Unit

SHADES: Final = ("s1", "s2", "s3", "s4", "g1", "g2", "g3", "g4")
"""CSS classes of series in order: shades of the accent, then greys; largest series first."""


@dataclass(frozen=True, slots=True)
class Series:
    """A row of values, one per bucket; None: the bucket has none."""

    label: str
    values: Sequence[float | None]
    total: float | None = None
    """The figure beside its name: the value over the whole time."""
    url: str = ""
    """The list page with the rows of the whole series."""
    urls: Sequence[str] = ()
    """The list page with the rows of each value; empty: those of the buckets."""
    css: str = ""
    """CSS class of its colour; empty: the shade of its position."""


@dataclass(frozen=True, slots=True)
class Mark:
    """An event on the time axis: a release that was first seen at a time."""

    time: datetime
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of time that all series of a chart share, with a list page for each."""

    starts: Sequence[datetime]
    until: datetime
    urls: Sequence[str] = ()
    width: timedelta | None = None
    """The length of a bucket, which the first and last may lack; None: that of the first."""

    @property
    def axis(self) -> TimeAxis:
        """The axis from the first bucket to the end of the last."""
        return TimeAxis(self.starts[0], self.until)

    @property
    def step(self) -> timedelta:
        """The length of a bucket."""
        if self.width is not None:
            return self.width
        if len(self.starts) > 1:
            return self.starts[1] - self.starts[0]
        return self.until - self.starts[0]


@dataclass(frozen=True, slots=True)
class Hit:
    """The area of a bucket: a link to its list, with the values as its title."""

    x: float
    width: float
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in percent of the chart."""

    x: float
    y: float
    width: float
    height: float
    css: str
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, and the area below it if ``filled``; coordinates of 0 to 1000 by 0 to 100."""

    path: str
    css: str
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the key: the colour and name of a series, its figure, its list."""

    label: str
    css: str
    value: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A chart as shapes in percent, ready for a template."""

    description: str
    y_ticks: Sequence[Tick] = ()
    x_ticks: Sequence[Tick] = ()
    hits: Sequence[Hit] = ()
    bars: Sequence[Bar] = ()
    lines: Sequence[Line] = ()
    marks: Sequence[tuple[Tick, str]] = ()
    """Releases: the label with its place, and the list of the release."""
    key: Sequence[Key] = ()
    log: bool = False
    since: datetime | None = None
    until: datetime | None = None
    """The ends of the time axis; None: the axis is not time."""
    unit: Unit = Unit.COUNT


def coloured(series: Sequence[Series]) -> list[Series]:
    """Return the series with a colour each; those that have none get shades in their order."""
    shades = iter(SHADES)
    return [
        each if each.css else dataclasses.replace(each, css=next(shades, SHADES[-1]))
        for each in series
    ]


def percent(value: float) -> float:
    """Return a number of percent with as many digits as a screen shows."""
    return round(value, 2)
