"""Time in which nothing was recorded: a row of its own between the children of an open span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracer.analysis.headline import FAMILY
from tracer.store.traces.span_tree import Frame, SpanRow
from tracer.ui.waterfall.axis import Axis

# What is shorter, or next to nothing of the trace, is no news.
_LONG, _LONG_SHARE = timedelta(seconds=1), 0.01
_SHORT, _SHORT_SHARE = timedelta(milliseconds=100), 0.1


@dataclass(frozen=True, slots=True)
class Gap:
    """From when to when none of the spans of a level ran."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it was."""
        return self.end - self.start

    def tells(self, axis: Axis) -> bool:
        """Return whether it is long enough to be told on this axis."""
        share = self.length / max(axis.end - axis.start, self.length)
        return (self.length >= _LONG and share >= _LONG_SHARE) or (
            self.length >= _SHORT and share >= _SHORT_SHARE
        )


def gaps_of(
    rows: Sequence[SpanRow], frame: Frame | None, *, begins: bool, ends: bool
) -> list[Gap | None]:
    """Return the gap before each row of a page, and after the last one.

    ``begins``, ``ends``: the page is the first, the last of its level. What spans of earlier pages
    cover is not known, so only the first has any. ``frame`` is the parent; where that is a model
    call or a tool, its own time is its work.
    """
    found: list[Gap | None] = [None] * (len(rows) + 1)
    if not begins or (frame is not None and frame.kind in FAMILY):
        return found
    reach = frame.start_time if frame else None
    for place, row in enumerate(rows):
        found[place] = _between(reach, row.start_time)
        if row.end_time is None and not row.placeholder:
            return found
        times = (reach, row.start_time, row.end_time)
        reach = max(time for time in times if time is not None)
    if frame and frame.end_time and ends and rows:
        found[-1] = _between(reach, frame.end_time)
    return found


def _between(start: datetime | None, end: datetime) -> Gap | None:
    return Gap(start, end) if start is not None and start < end else None
