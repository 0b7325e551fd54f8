"""All traces of a session on one time axis, with compressed idle time and cumulative cost."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode

from tracer.store.database.paging import encode_cursor
from tracer.store.traces.sessions import Turn
from tracer.ui.render.format import clock, duration, money

MAX_TURNS: Final = 500
"""Traces on the axis; more could not be distinguished."""
_NUMBERED: Final = 60
"""Up to this many traces are numbered on the axis."""
_PAUSE: Final = timedelta(minutes=1)
_IDLE_WIDTH: Final = 7.0
"""Percent of the axis that a compressed idle time takes, unless there are too many."""
_MAX_IDLE_PERCENT: Final = 45.0
"""Of the axis that all idle times take together."""
_HEIGHT: Final = 18
_WIDTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Block:
    """A trace on the axis: position in percent, its number in the session, and its address."""

    x: float
    width: float
    number: int
    status: str
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Idle:
    """Compressed idle time: position in percent, and its real length."""

    x: float
    width: float
    length: timedelta


@dataclass(frozen=True, slots=True)
class Timeline:
    """The axis of a session; ``cost`` is a path of a height of 18."""

    blocks: list[Block]
    idle: list[Idle]
    ticks: list[tuple[float, str]]
    cost: str
    total_cost: Decimal
    context: list[float]
    """Height from 0 to 40 of the input tokens of each trace."""
    max_context: int
    numbered: bool
    failed: list[Block]
    partial: bool
    """Whether the session has more traces than the axis shows."""


def timeline(turns: Sequence[Turn], now: datetime, path: str, shown: dict[str, int]) -> Timeline:
    """Return the timeline of a session's traces, oldest first; at least one.

    ``shown`` has the position on the page by trace id, and ``path`` is the address of the page: a
    trace that another page shows is linked by a cursor.
    """
    ends = [now if turn.status == "running" else turn.end_time for turn in turns]
    axis = _Axis(turns, ends)
    cursors = [None, *(encode_cursor(True, turn.start_time, turn.trace_id) for turn in turns)]
    blocks, steps, total = [], [(0.0, Decimal(0))], Decimal(0)
    for number, (turn, end) in enumerate(zip(turns, ends, strict=True), 1):
        x = axis.percent(turn.start_time)
        if turn.trace_id in shown:
            url = f"#t{shown[turn.trace_id]}"
        else:
            cursor = cursors[number - 1]
            url = f"{path}?{urlencode({'cursor': cursor})}#t1" if cursor else f"{path}#t1"
        title = [turn.name or "unnamed", duration(end - turn.start_time), money(turn.total_cost)]
        blocks.append(
            Block(
                x=round(x, 2),
                width=round(axis.percent(end) - x, 2),
                number=number,
                status=turn.status,
                title=", ".join(filter(None, title)),
                url=url,
            )
        )
        steps += [(x, total), (axis.percent(end), total := total + (turn.total_cost or 0))]
    maximum = max((turn.input_tokens or 0 for turn in turns), default=0)
    return Timeline(
        blocks=blocks,
        idle=axis.idle,
        ticks=axis.ticks(),
        cost=_path(steps, total),
        total_cost=total,
        context=[round(40 * (turn.input_tokens or 0) / maximum, 1) for turn in turns if maximum],
        max_context=maximum,
        numbered=len(turns) <= _NUMBERED,
        failed=[block for block in blocks if block.status == "error"],
        partial=len(turns) >= MAX_TURNS,
    )


class _Axis:
    """Maps times to percent: in proportion while a trace runs; idle times are equally wide."""

    def __init__(self, turns: Sequence[Turn], ends: Sequence[datetime]) -> None:
        active: list[list[datetime]] = []
        for turn, end in zip(turns, ends, strict=True):
            if active and turn.start_time - active[-1][1] < _PAUSE:
                active[-1][1] = max(active[-1][1], end)
            else:
                active.append([turn.start_time, max(end, turn.start_time)])
        gaps = len(active) - 1
        share = min(_IDLE_WIDTH, _MAX_IDLE_PERCENT / gaps) if gaps else 0.0
        length = sum((end - start for start, end in active), timedelta()) or timedelta(seconds=1)
        # (time, percent) at which the scale changes: starts and ends of what is active.
        self._points: list[tuple[datetime, float]] = []
        x = 0.0
        for start, end in active:
            self._points.append((start, x))
            x += (100 - gaps * share) * ((end - start) / length)
            self._points.append((end, x))
            x += share
        self.idle = [
            Idle(round(end[1], 2), round(share, 2), start[0] - end[0])
            for end, start in zip(self._points[1:-1:2], self._points[2::2], strict=True)
        ]

    def percent(self, time: datetime) -> float:
        """Return the position of a time in percent."""
        index = bisect_right(self._points, time, key=lambda point: point[0])
        if index == 0:
            return 0.0
        begin, x = self._points[index - 1]
        if index == len(self._points):
            return x
        end, after = self._points[index]
        return x + (after - x) * ((time - begin) / (end - begin)) if end > begin else x

    def ticks(self) -> list[tuple[float, str]]:
        """Return (position, time of day) of each start of activity, and of the end."""
        ticks: list[tuple[float, str]] = []
        for time, x in [*self._points[::2], self._points[-1]]:
            if not ticks or x - ticks[-1][0] >= _IDLE_WIDTH:
                ticks.append((round(x, 2), clock(time)))
        return ticks


def _path(steps: Sequence[tuple[float, Decimal]], total: Decimal) -> str:
    """Return the line of the cost so far, of `_WIDTH` by `_HEIGHT`."""
    if not total:
        return ""
    points = (
        f"{x * _WIDTH / 100:.0f} {_HEIGHT - 1 - (_HEIGHT - 2) * float(cost / total):.1f}"
        for x, cost in steps
    )
    return "M" + "L".join(points)
