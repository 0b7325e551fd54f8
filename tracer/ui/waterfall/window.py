"""The window: the part of the time axis that is in view, which is all of it or the zoom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracer.times import from_micros, to_micros
from tracer.ui.render.format import duration
from tracer.ui.waterfall.axis import Axis

_TICKS = 5
_LAST_TICK = 86  # percent; a later tick would overlap the label of the edge
_BETWEEN_TICKS = 8
_CLOCK_STEPS = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A label at ``x`` percent of the window."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Idle:
    """Compressed idle time in the window: position in percent, and its real length."""

    x: float
    width: float
    length: timedelta


@dataclass(frozen=True, slots=True)
class Zoom:
    """A time range in an address; without an ``end`` it follows a running trace."""

    start: datetime
    end: datetime | None

    @classmethod
    def parse(cls, text: str) -> Zoom:
        """Return the range that ``str()`` made; raises ValueError for any other text."""
        start, end = text.split("-")
        try:
            zoom = cls(from_micros(int(start)), from_micros(int(end)) if end else None)
        except OverflowError:
            raise ValueError(f"{text!r} is not a range of time") from None
        if zoom.end is not None and zoom.end <= zoom.start:
            raise ValueError(f"{text!r} is not a range of time")
        return zoom

    @classmethod
    def around(cls, start: datetime, end: datetime | None) -> Zoom:
        """Return the range that shows a span, with a margin on both sides."""
        length = timedelta() if end is None else max(end - start, timedelta(microseconds=10))
        margin = length / 20
        return cls(start - margin, None if end is None else start + length + margin)

    def __str__(self) -> str:
        return f"{to_micros(self.start)}-{'' if self.end is None else to_micros(self.end)}"


class Window:
    """The part of a trace's time that is in view, on the axis of its rows.

    ``base`` is the axis of the rows that are on the page already, ``now`` the axis of the trace as
    of now. With both, neither a zoom nor a running trace requires that rows are rendered again.
    """

    def __init__(self, base: Axis, now: Axis, zoom: Zoom | None = None) -> None:
        self.base, self.axis = base, now
        start = now.start if zoom is None else max(zoom.start, now.start)
        end = now.end if zoom is None or zoom.end is None else min(zoom.end, now.end)
        if end <= start:
            zoom, start, end = None, now.start, now.end
        self.zoom = zoom
        self.start, self.end = start, max(end, start + timedelta(microseconds=1))
        self._left, self._right = base.percent(self.start), base.percent(self.end)

    @property
    def style(self) -> str:
        """The CSS variables that map rows to the window, and draw its grid."""
        scale = 100 / (self._right - self._left)
        grid = f";--tick:{self._grid[0]:.3f};--phase:{self._grid[1]:.3f}" if self._grid else ""
        return f"--o:{self._left:.9g};--z:{scale:.9g}{grid}"

    @property
    def running(self) -> bool:
        """Whether the right edge is the end of a running trace."""
        return self.axis.running and self.end >= self.axis.end

    @property
    def clipped(self) -> tuple[str, str] | None:
        """Start and end of the zoom, as durations since the start of the trace; None: no zoom."""
        if self.zoom is None:
            return None
        start = duration(self.start - self.axis.start)
        return start, "now" if self.running else duration(self.end - self.axis.start)

    def ticks(self) -> list[Tick]:
        """Return the labels: round times since the start of the trace, and the right edge."""
        last = Tick(100, "now" if self.running else duration(self.end - self.axis.start))
        # A label must overlap neither another one nor compressed idle time.
        taken = [idle.x + idle.width / 2 for idle in self.idle()]
        ticks: list[Tick] = []
        for seconds in self._times():
            x = self._x(self.axis.start + timedelta(seconds=seconds))
            if 0 <= x <= _LAST_TICK and all(abs(x - other) >= _BETWEEN_TICKS for other in taken):
                taken.append(x)
                ticks.append(Tick(round(x, 2), _label(seconds, self._step)))
        return [*ticks, last]

    def idle(self) -> list[Idle]:
        """Return the compressed idle times in view."""
        idle = []
        for cut in self.base.cuts:
            start, end = (self.base.start + timedelta(microseconds=edge) for edge in cut)
            left, right = self._x(start), self._x(end)
            if right > 0 and left < 100:
                idle.append(Idle(round(left, 3), round(right - left, 3), end - start))
        return idle

    def _x(self, time: datetime) -> float:
        return (self.base.percent(time) - self._left) / (self._right - self._left) * 100

    @property
    def _step(self) -> float:
        shown = (self._right - self._left) / 100 * self.base.drawn_length / 1e6
        return _step(shown)

    @property
    def _grid(self) -> tuple[float, float] | None:
        """Distance and offset of the grid lines in percent; None if idle time is compressed."""
        if self.base.cuts:
            return None
        length = (self.end - self.start).total_seconds()
        into = (self.start - self.axis.start).total_seconds()
        return self._step / length * 100, -into % self._step / length * 100

    def _times(self) -> Iterator[float]:
        """Yield the round times in view, in seconds since the start, but none in idle time."""
        # In whole microseconds: with floats, rounding would add or drop a tick at an edge.
        origin, step = to_micros(self.axis.start), round(self._step * 1e6)
        start, end = to_micros(self.start), to_micros(self.end)
        base = to_micros(self.base.start)
        edges = [start, *(base + edge for cut in self.base.cuts for edge in cut), end]
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            first, last = max(left, start) - origin, min(right, end) - origin
            yield from (step * n / 1e6 for n in range(-(-first // step), last // step + 1))


def _step(length: float) -> float:
    """Return a round number of seconds that divides ``length`` into about `_TICKS` parts."""
    # Slightly less, because the length may be rounded up by a division.
    minimum = length / _TICKS * (1 - 1e-9)
    if minimum > 1:
        return next((s for s in _CLOCK_STEPS if s >= minimum), 86400 * -(-minimum // 86400))
    step = 1e-6
    while True:
        for factor in (1, 2, 5):
            if step * factor >= minimum:
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
        return f"{round(seconds, 6):.12g} s"
    unit, name = (1e3, "ms") if step >= 1e-3 else (1e6, "µs")
    return f"{round(seconds * unit):,} {name}"
