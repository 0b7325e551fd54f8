"""The whole trace in a strip: what went on when, where it failed, and which part is in view."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TypeVar

from tracer.analysis.activity import BUCKETS, ActivityProfile
from tracer.times import from_micros, to_micros
from tracer.ui.render.format import duration
from tracer.ui.waterfall.window import Window, Zoom

T = TypeVar("T")

HEIGHT = 22
_MUCH_IDLE = 0.5
_ERROR = 4
_PARTS = 10  # links, for readers without a script; with one, any range is dragged


@dataclass(frozen=True, slots=True)
class Block:
    """A box in units of a bucket and of `HEIGHT`."""

    x: float
    width: float
    y: float
    height: float
    css: str


@dataclass(frozen=True, slots=True)
class Part:
    """A tenth of the trace to zoom to; place in percent."""

    x: float
    width: float
    zoom: str
    label: str


class Minimap:
    """The strip of a trace; without an outline it has no blocks."""

    def __init__(self, outline: ActivityProfile | None, window: Window) -> None:
        self.outline, self._window = outline, window
        axis = window.axis
        self.start, self.end = to_micros(axis.start), to_micros(axis.end)
        self._length = max(self.end - self.start, 1)

    def blocks(self) -> Iterator[Block]:
        """Yield a box per run of like buckets, and one per run of buckets with errors."""
        if self.outline is None:
            return
        # The outline ends with the last span; a running trace's axis goes on to now.
        share = (self.outline.end - self.outline.start) / self._length
        shift = (self.outline.start - self.start) / self._length * BUCKETS
        top = max(self.outline.counts, default=0)
        looks = zip(self.outline.counts, self.outline.kinds, strict=True)
        tall = ((_height(count, top), f"k-{kind}") for count, kind in looks)
        failed = ((_ERROR if errors else 0, "err") for errors in self.outline.errors)
        for first, length, (height, css) in [*_runs(tall), *_runs(failed)]:
            if height:
                x, width = _short(shift + first * share), _short(length * share)
                yield Block(x, width, HEIGHT - height, height, css)

    def outside(self) -> list[Block]:
        """Return what is not in view, left and right of it."""
        if self._window.zoom is None:
            return []
        left = (to_micros(self._window.start) - self.start) / self._length * BUCKETS
        right = (to_micros(self._window.end) - self.start) / self._length * BUCKETS
        return [
            Block(0, _short(left), 0, HEIGHT, "off"),
            Block(_short(right), _short(BUCKETS - right), 0, HEIGHT, "off"),
        ]

    def parts(self) -> list[Part]:
        """Return the links that the strip is made of."""
        edges = [self.start + self._length * n // _PARTS for n in range(_PARTS + 1)]
        origin = self._window.axis.start
        found = []
        for n, (start, end) in enumerate(pairwise(edges)):
            zoom = Zoom(from_micros(start), from_micros(max(end, start + 1)))
            times = (duration(time - origin) for time in (zoom.start, zoom.end) if time)
            width = 100 / _PARTS
            found.append(Part(n * width, width, str(zoom), f"Zoom to {' – '.join(times)}"))
        return found

    @property
    def idle(self) -> str | None:
        """The idle part of the trace in percent, where drawing it short would help; else None."""
        if self.outline is None or self.outline.idle_share < _MUCH_IDLE:
            return None
        # Never rounded up to all of it: something did happen.
        return f"{math.floor(self.outline.idle_share * 1000) / 10:g} %"


def _runs(values: Iterable[T]) -> Iterator[tuple[int, int, T]]:
    """Yield (first, how many, value) for each run of equal values."""
    at = 0
    for value, run in groupby(values):
        length = sum(1 for _ in run)
        yield at, length, value
        at += length


def _height(count: int, top: int) -> int:
    # One among ten thousand is still to be seen: a log scale, and a step that says "something".
    if not count:
        return 0
    least = 6
    return least + round((HEIGHT - least) * math.log1p(count - 1) / math.log1p(max(top - 1, 3)))


def _short(value: float) -> float:
    return round(value, 2)
