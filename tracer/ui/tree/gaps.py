"""Gaps: time in which nothing was recorded, shown as a row between the children of a span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracer.analysis.families import FAMILY_OF_KIND
from tracer.store.traces.span_tree import ParentTimes, SpanRow
from tracer.ui.waterfall.axis import Axis

# A gap is shown if it is long enough in both senses: in time, and as a share of the axis.
_LONG, _LONG_SHARE = timedelta(seconds=1), 0.01
_SHORT, _SHORT_SHARE = timedelta(milliseconds=100), 0.1


@dataclass(frozen=True, slots=True)
class Gap:
    """A time range in which no span of a level ran."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """The duration of the gap."""
        return self.end - self.start

    def is_shown(self, axis: Axis) -> bool:
        """Return whether the gap is long enough to be shown on this axis."""
        share = self.length / max(axis.end - axis.start, self.length)
        return (self.length >= _LONG and share >= _LONG_SHARE) or (
            self.length >= _SHORT and share >= _SHORT_SHARE
        )


def gaps_of(
    rows: Sequence[SpanRow], parent: ParentTimes | None, *, begins: bool, ends: bool
) -> list[Gap | None]:
    """Return the gap before each row of a page, and as last item the gap after the last row.

    ``begins``, ``ends``: the page is the first, the last of its level. Only the first page has
    gaps, because the end times of earlier pages are not known. A ``parent`` that is a model call
    or a tool has no gaps, because it works itself between its children.
    """
    gaps: list[Gap | None] = [None] * (len(rows) + 1)
    if not begins or (parent is not None and parent.kind in FAMILY_OF_KIND):
        return gaps
    latest_end = parent.start_time if parent else None
    for index, row in enumerate(rows):
        gaps[index] = _between(latest_end, row.start_time)
        if row.end_time is None and not row.placeholder:
            return gaps
        times = (latest_end, row.start_time, row.end_time)
        latest_end = max(time for time in times if time is not None)
    if parent and parent.end_time and ends and rows:
        gaps[-1] = _between(latest_end, parent.end_time)
    return gaps


def _between(start: datetime | None, end: datetime) -> Gap | None:
    return Gap(start, end) if start is not None and start < end else None
