"""The time of a question: its range, and the intervals that a chart has."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from tracer.errors import Invalid
from tracer.query.moments import Clock, Moment, is_period, is_point, resolve

STEPS: Final = (
    *(timedelta(seconds=seconds) for seconds in (1, 2, 5, 10, 30)),
    *(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 28, 13 * 7, 26 * 7, 52 * 7)),
)
"""The widths of intervals."""
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
SHORT: Final = timedelta(days=2)
"""A range up to this length without intervals begins and ends at a minute, another at an hour."""
MAX_INTERVALS: Final = 122
"""The 120 intervals of a question, and one more at each end that the range only partly covers."""
_MONDAY: Final = datetime(1970, 1, 5)


@dataclass(frozen=True, slots=True)
class Frame:
    """A range of time: start inclusive, end not; and the starts of its intervals, if it has any."""

    since: datetime
    until: datetime
    width: timedelta | None = None
    starts: tuple[datetime, ...] = ()
    """The first is that of the range, which may lie within the interval."""

    @property
    def origin(self) -> datetime:
        """The start of an interval, from which the others are whole widths away, if `even`."""
        if self.width is None or len(self.starts) < 2:
            return self.since
        return self.starts[1] - self.width

    @property
    def even(self) -> bool:
        """Whether all intervals are equally long: not across a daylight saving change."""
        pairs = pairwise(self.starts[1:])
        return all(end - start == self.width for start, end in pairs)

    def index(self, start: datetime | None) -> int:
        """Return the index of the interval in which a time lies; 0 for None."""
        # The first interval may begin before the range.
        return 0 if start is None else max(0, bisect_right(self.starts, start) - 1)

    def interval(self, index: int) -> tuple[datetime, datetime]:
        """Return the start and the end of an interval."""
        starts = self.starts
        return starts[index], starts[index + 1] if index + 1 < len(starts) else self.until

    @property
    def previous(self) -> Frame:
        """The range of equal length before this one, with as many intervals."""
        length = self.until - self.since
        starts = tuple(start - length for start in self.starts)
        return Frame(self.since - length, self.since, self.width, starts)


def bar_width(length: timedelta, bars: int) -> timedelta:
    """Return the shortest round time of which ``bars`` cover a length of time."""
    return next((step for step in STEPS if step * bars >= length), STEPS[-1])


def frame_of(
    period: tuple[Moment | None, Moment], buckets: int, clock: Clock, first: datetime | None
) -> Frame:
    """Return the range of a question; ``first`` is its start where the question has none.

    A start relative to now moves to the start of its interval, or to that of a minute or hour, an
    end to the end of a minute or hour: whole intervals are compared, and rollups have them. Raises
    Invalid for a range that is empty or too long.
    """
    since_moment, until_moment = period
    until = resolve(until_moment, clock)[1 if is_period(until_moment) else 0]
    since = first if since_moment is None else resolve(since_moment, clock)[0]
    if since is None or (since_moment is None and since >= until):
        since = until - timedelta(days=1)
    if since >= until:
        raise Invalid.of_field("since", "the range of time ends before it starts")
    width = bar_width(until - since, buckets) if buckets else None
    unit = _unit(width, until - since)
    if is_point(until_moment):
        until = _ceiling(until, unit, clock)
    if since_moment is None or is_point(since_moment):
        since = floor(since, width or unit, clock)
    return Frame(since, until, width, _starts(since, until, width, clock) if width else ())


def floor(time: datetime, step: timedelta, clock: Clock) -> datetime:
    """Return the latest start of a step at or before a time; days are the visitor's."""
    if step <= HOUR:
        return time - (time.astimezone(UTC).replace(tzinfo=None) - _MONDAY) % step
    local = time.astimezone(clock.zone).replace(tzinfo=None)
    return (local - (local - _MONDAY) % step).replace(tzinfo=clock.zone).astimezone(UTC)


def _ceiling(time: datetime, step: timedelta, clock: Clock) -> datetime:
    start = floor(time, step, clock)
    return start if start == time else start + step


def _starts(
    since: datetime, until: datetime, width: timedelta, clock: Clock
) -> tuple[datetime, ...]:
    origin = floor(since, width, clock)
    count = -((origin - until) // width)
    if count > MAX_INTERVALS:
        raise Invalid.of_field("since", "the range of time is too long")
    if width <= HOUR:
        return (since, *(origin + index * width for index in range(1, count)))
    # By the visitor's clock, so that days begin at midnight also after clocks were changed.
    first = origin.astimezone(clock.zone).replace(tzinfo=None)
    local = ((first + index * width).replace(tzinfo=clock.zone) for index in range(1, count + 1))
    starts = (start.astimezone(UTC) for start in local)
    return (since, *(start for start in starts if since < start < until))


def _unit(width: timedelta | None, length: timedelta) -> timedelta:
    if width is None:
        return MINUTE if length <= SHORT else HOUR
    return HOUR if width >= HOUR else min(width, MINUTE)
