"""The one time axis of a trace page: where a time lies on it, in percent, idle time cut short."""

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

MOST_CUTS = 30
"""An address has an end, and so has what a reader can tell apart."""
_CUT_SHARE = 0.02  # of the working time: wide enough to see that something is missing


class Cut(NamedTuple):
    """Idle time that is drawn short: from and to, in µs after the start of the axis."""

    start: int
    end: int


# Not frozen: a page makes hundreds, and a frozen one takes five times as long to make.
@dataclass(slots=True)
class Bar:
    """A span on the axis: edge and width in percent of it, first token in percent of the bar.

    An edge may be below 0 and above 100: of a span that came after the axis was made.
    """

    x: float
    width: float
    first_token: float | None

    @property
    def style(self) -> str:
        """The numbers by which the page's CSS draws it."""
        token = f";--t:{self.first_token}" if self.first_token else ""
        return f"--x:{self.x};--w:{self.width}{token}"


@dataclass(frozen=True)
class Axis:
    """The time from ``start`` to ``end``, which is when the page was made if the trace runs.

    All rows of a page lie on one axis, however it is zoomed and whenever they are loaded.
    """

    start: datetime
    end: datetime
    running: bool = False
    cuts: tuple[Cut, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Axis:
        """Return the axis that ``str()`` wrote; raises ValueError for anything else."""
        start, end, running, *cuts = text.split("-")
        try:
            parsed = [Cut(*map(int, cut.split("."))) for cut in cuts]
            axis = cls(
                from_micros(int(start)), from_micros(int(end)), running == "r", tuple(parsed)
            )
        except (OverflowError, TypeError):
            raise ValueError(f"{text!r} is not a time axis") from None
        # Two may touch: between them something happened that took no time.
        ordered = all(cut.start < cut.end for cut in parsed) and all(
            before.end <= cut.start for before, cut in pairwise([Cut(0, 0), *parsed])
        )
        if len(cuts) > MOST_CUTS or not ordered:
            raise ValueError(f"{text!r} is not a time axis")
        return axis

    def __str__(self) -> str:
        cuts = "".join(f"-{cut.start}.{cut.end}" for cut in self.cuts)
        ends = f"{to_micros(self.start)}-{to_micros(self.end)}"
        return f"{ends}-{'r' if self.running else 'd'}{cuts}"

    def at(self, time: datetime) -> float:
        """Return where ``time`` lies, in percent; outside of the axis below 0 or above 100."""
        return self._drawn(to_micros(time) - self._origin) / self.drawn * 100

    def bar(
        self, start: datetime, end: datetime | None, first_token: datetime | None = None
    ) -> Bar:
        """Return where a span lies; one without an end reaches to the end of the axis."""
        x = self.at(start)
        # An end before the start is flagged in the row; a bar can't run backwards.
        width = max((100.0 if end is None else self.at(end)) - x, 0.0)
        token = None
        if first_token is not None and width:
            token = round(max(0.0, min(100.0, (self.at(first_token) - x) / width * 100)), 1)
        return Bar(round(x, self._digits), round(width, self._digits), token)

    @cached_property
    def drawn(self) -> float:
        """The length of the axis in µs as drawn, never zero: idle time counts as its short form."""
        # A trace of one instant still needs something to divide by.
        return max(self._drawn(self._length), 1.0)

    @cached_property
    def _origin(self) -> int:
        return to_micros(self.start)

    @property
    def _length(self) -> int:
        return to_micros(self.end) - self._origin

    @cached_property
    def _digits(self) -> int:
        # As many as keep 1 µs apart: a zoom magnifies what was rounded away.
        return max(2, math.ceil(math.log10(self.drawn)) - 1)

    @cached_property
    def _short(self) -> float:
        idle = sum(cut.end - cut.start for cut in self.cuts)
        return max(1.0, (self._length - idle) * _CUT_SHARE)

    @cached_property
    def _saved(self) -> Sequence[float]:
        """How much is left out before each cut and, last, after all of them."""
        saved = [0.0]
        for cut in self.cuts:
            saved.append(saved[-1] + max(cut.end - cut.start - self._short, 0.0))
        return saved

    def _drawn(self, offset: int) -> float:
        if not self.cuts:
            return float(offset)
        index = bisect_right(self.cuts, offset, key=lambda cut: cut.start)
        if index == 0:
            return float(offset)
        cut = self.cuts[index - 1]
        if offset >= cut.end:
            return offset - self._saved[index]
        rate = min(1.0, self._short / (cut.end - cut.start))
        return cut.start - self._saved[index - 1] + (offset - cut.start) * rate
