"""The time axis of charts: positions of labels, and names of buckets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tracer.ui.render.time_zone import visitor_zone

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_MAX_LABELS: Final = 7
_STEPS: Final = (
    *(timedelta(minutes=minutes) for minutes in (1, 5, 10, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14, 28, 91, 364)),
)
_MONDAY: Final = datetime(2001, 1, 1)


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The time from ``since`` to ``until``, from left to right."""

    since: datetime
    until: datetime

    def position(self, time: datetime) -> float:
        """Return where a time lies, in percent of the axis."""
        return 100 * ((time - self.since) / (self.until - self.since))


@dataclass(frozen=True, slots=True)
class Tick:
    """A label of an axis, where it stands in percent, and which end of it stands there."""

    position: float
    label: str
    anchor: str = "middle"


def ticks(axis: TimeAxis) -> list[Tick]:
    """Return at most seven labels at round times of the visitor's zone."""
    length = axis.until - axis.since
    step = next((step for step in _STEPS if length / step <= _MAX_LABELS), _STEPS[-1])
    return [
        Tick(position, _label(time, step, length), anchor(position))
        for time in _multiples(axis, step)
        if (position := axis.position(time)) < 98
    ]


def anchor(position: float) -> str:
    """Return which end of a text stands at a position, so that it stays within the chart."""
    return "start" if position < 4 else "end" if position > 96 else "middle"


def _multiples(axis: TimeAxis, step: timedelta) -> Iterator[datetime]:
    """Yield the round times within an axis, as a clock in the visitor's zone shows them."""
    zone = visitor_zone()
    first = axis.since.astimezone(zone).replace(tzinfo=None)
    time = first - (first - _MONDAY) % step
    while (moment := time.replace(tzinfo=zone)) < axis.until:
        if moment >= axis.since:
            yield moment
        time += step


def _label(time: datetime, step: timedelta, length: timedelta) -> str:
    if step < _DAY:
        midnight = not time.hour and not time.minute
        return f"{time:%a} {time.day}" if midnight and length > 12 * _HOUR else f"{time:%H:%M}"
    if length <= timedelta(days=14):
        return f"{time:%a} {time.day}"
    return f"{time.day} {time:%b}" if length <= timedelta(days=300) else f"{time:%b %Y}"


def bucket_name(start: datetime, step: timedelta) -> str:
    """Return the name of a bucket in the visitor's zone: ``Mon 16 Nov 14:00``, or the day alone."""
    start = start.astimezone(visitor_zone())
    day = f"{start:%a} {start.day} {start:%b}"
    if step >= _DAY:
        return day if step < timedelta(days=300) else f"{start:%Y}"
    return f"{day} {start:%H:%M:%S}" if step < timedelta(minutes=1) else f"{day} {start:%H:%M}"


def step_name(step: timedelta) -> str:
    """Return the length of a bucket: ``2 hours``, ``day``."""
    seconds = int(step.total_seconds())
    for size, noun in (
        (604800, "week"),
        (86400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ):
        if seconds >= size and not seconds % size:
            number = seconds // size
            return noun if number == 1 else f"{number} {noun}s"
    return f"{seconds} seconds"
