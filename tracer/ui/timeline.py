"""The one time axis of a trace page: where bars lie, in percent, and which ticks it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tracer.store.paging import from_micros, to_micros
from tracer.ui.format import duration

_TICKS = 5
_LAST_TICK = 86  # percent; one nearer to the edge would run into the label there
_CLOCK_STEPS = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A span on the axis: edge and width in percent of it, first token in percent of the bar."""

    x: float
    width: float
    first_token: float | None
    clamped: bool
    """Part of the span lies outside of the axis: a clock that runs differently."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis at ``x`` percent."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    """The time from ``start`` to ``end``, which is when the page was made if the trace runs."""

    start: datetime
    end: datetime
    running: bool = False

    @classmethod
    def parse(cls, text: str) -> Axis:
        """Return the axis that ``str()`` wrote; raises ValueError for anything else."""
        start, end, running = text.split("-")
        try:
            return cls(from_micros(int(start)), from_micros(int(end)), running == "r")
        except OverflowError:
            raise ValueError(f"{text!r} is not a time axis") from None

    def __str__(self) -> str:
        return f"{to_micros(self.start)}-{to_micros(self.end)}-{'r' if self.running else 'd'}"

    @property
    def length(self) -> timedelta:
        """The time shown, never zero."""
        # A trace of one instant still needs something to divide by.
        return max(self.end - self.start, timedelta(microseconds=1))

    def bar(
        self, start: datetime, end: datetime | None, first_token: datetime | None = None
    ) -> Bar:
        """Return where a span lies; one without an end reaches to the end of the axis."""
        # Clamped below, so that a wrong clock can't push a bar out of its row.
        left = (start - self.start) / self.length * 100
        right = 100.0 if end is None else (end - self.start) / self.length * 100
        x, stop = _inside(left), _inside(max(right, left))
        token = None
        if first_token is not None and right > left:
            token = _inside(
                ((first_token - self.start) / self.length * 100 - left) / (right - left) * 100
            )
        outside = left < -0.01 or left > 100.01 or right > 100.01
        return Bar(round(x, 2), round(stop - x, 2), token and round(token, 1), outside)

    @property
    def step(self) -> float:
        """The distance of two ticks, in percent."""
        return round(_step(self.length.total_seconds()) / self.length.total_seconds() * 100, 3)

    def ticks(self) -> list[Tick]:
        """Return the marks: 0, round times, and at the right edge ``now`` or the whole duration."""
        step, length = _step(self.length.total_seconds()), self.length.total_seconds()
        # Counted, not added up: a sum of floats would drift off the round times.
        times = [step * n for n in range(int(length / step) + 1)]
        marks = [Tick(round(t / length * 100, 2), _label(t, step)) for t in times]
        last = Tick(100, "now" if self.running else duration(self.length))
        return [mark for mark in marks if mark.x <= _LAST_TICK] + [last]


def _inside(percent: float) -> float:
    return max(0.0, min(100.0, percent))


def _step(length: float) -> float:
    """Return a round number of seconds that divides ``length`` into about `_TICKS` parts."""
    least = length / _TICKS
    if least > 1:
        return next((s for s in _CLOCK_STEPS if s >= least), 86400 * -(-least // 86400))
    step = 1e-6
    while True:
        for factor in (1, 2, 5):
            if step * factor >= least:
                return step * factor
        step *= 10


def _label(seconds: float, step: float) -> str:
    if seconds == 0:
        return "0"
    if step >= 3600:
        return f"{seconds / 3600:g} h"
    if step >= 60:
        return f"{seconds / 60:g} min"
    if step >= 1 or seconds >= 1:
        return f"{round(seconds, 6):g} s"
    unit, name = (1e3, "ms") if step >= 1e-3 else (1e6, "µs")
    return f"{round(seconds * unit):,} {name}"
