"""The time axis of a trace page: maps times to percent, with long idle time compressed."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from tracer.times import from_micros, to_micros

MAX_CUTS = 30
"""Limits the length of addresses; on the axis, more cuts could not be distinguished."""
_CUT_SHARE = 0.02  # width of a cut, as a share of the time that is not cut


class Cut(NamedTuple):
    """Idle time that is compressed: start and end in µs after the start of the axis."""

    start: int
    end: int


# Not frozen: a page creates hundreds, and creating a frozen one takes five times as long.
@dataclass(slots=True)
class Bar:
    """A span on the axis: start and width in percent of it, first token in percent of the bar.

    The start may be below 0 or above 100, if the span arrived after the axis was made.
    """

    x: float
    width: float
    first_token: float | None

    @property
    def style(self) -> str:
        """The CSS variables with which the style sheet draws it."""
        token = f";--t:{self.first_token}" if self.first_token else ""
        return f"--x:{self.x};--w:{self.width}{token}"


@dataclass(frozen=True)
class Axis:
    """The time from ``start`` to ``end``; for a running trace the end is when the page was made.

    All rows of a page use one axis, independent of the zoom and of when they are loaded.
    """

    start: datetime
    end: datetime
    running: bool = False
    cuts: tuple[Cut, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Axis:
        """Return the axis that ``str()`` made; raises ValueError for any other text."""
        start, end, running, *cuts = text.split("-")
        try:
            parsed = [Cut(*map(int, cut.split("."))) for cut in cuts]
            axis = cls(
                from_micros(int(start)), from_micros(int(end)), running == "r", tuple(parsed)
            )
        except (OverflowError, TypeError):
            raise ValueError(f"{text!r} is not a time axis") from None
        # Two cuts may touch: a span without duration is between them.
        ordered = all(cut.start < cut.end for cut in parsed) and all(
            before.end <= cut.start for before, cut in pairwise([Cut(0, 0), *parsed])
        )
        if len(cuts) > MAX_CUTS or not ordered:
            raise ValueError(f"{text!r} is not a time axis")
        return axis

    def __str__(self) -> str:
        cuts = "".join(f"-{cut.start}.{cut.end}" for cut in self.cuts)
        ends = f"{to_micros(self.start)}-{to_micros(self.end)}"
        return f"{ends}-{'r' if self.running else 'd'}{cuts}"

    def percent(self, time: datetime) -> float:
        """Return the position of ``time`` in percent; below 0 or above 100 outside the axis."""
        return self._drawn_offset(to_micros(time) - self._origin) / self.drawn_length * 100

    def bar(
        self, start: datetime, end: datetime | None, first_token: datetime | None = None
    ) -> Bar:
        """Return the bar of a span; without an end it reaches to the end of the axis."""
        x = self.percent(start)
        # An end before the start is flagged in the row; the bar gets no negative width.
        width = max((100.0 if end is None else self.percent(end)) - x, 0.0)
        token = None
        if first_token is not None and width:
            token = round(max(0.0, min(100.0, (self.percent(first_token) - x) / width * 100)), 1)
        return Bar(round(x, self._digits), round(width, self._digits), token)

    @cached_property
    def drawn_length(self) -> float:
        """The length of the axis in µs as drawn, with cuts compressed; at least 1."""
        # A trace without duration still needs a divisor.
        return max(self._drawn_offset(self._length), 1.0)

    @cached_property
    def _origin(self) -> int:
        return to_micros(self.start)

    @property
    def _length(self) -> int:
        return to_micros(self.end) - self._origin

    @cached_property
    def _digits(self) -> int:
        # Enough to distinguish 1 µs: a zoom magnifies rounding errors.
        return max(2, math.ceil(math.log10(self.drawn_length)) - 1)

    @cached_property
    def _cut_width(self) -> float:
        idle = sum(cut.end - cut.start for cut in self.cuts)
        return max(1.0, (self._length - idle) * _CUT_SHARE)

    @cached_property
    def _compressed_before(self) -> Sequence[float]:
        """The compressed time in µs before each cut and, as last item, after all of them."""
        saved = [0.0]
        for cut in self.cuts:
            saved.append(saved[-1] + max(cut.end - cut.start - self._cut_width, 0.0))
        return saved

    def _drawn_offset(self, offset: int) -> float:
        if not self.cuts:
            return float(offset)
        index = bisect_right(self.cuts, offset, key=lambda cut: cut.start)
        if index == 0:
            return float(offset)
        cut = self.cuts[index - 1]
        if offset >= cut.end:
            return offset - self._compressed_before[index]
        rate = min(1.0, self._cut_width / (cut.end - cut.start))
        return cut.start - self._compressed_before[index - 1] + (offset - cut.start) * rate
