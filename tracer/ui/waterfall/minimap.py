"""The minimap: activity and errors of the whole trace, and the part that is in view."""

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
_MIN_IDLE_SHARE = 0.5
_ERROR_HEIGHT = 4
_LINKS = 10  # for visitors without JavaScript; with it, any range can be selected by dragging


@dataclass(frozen=True, slots=True)
class Block:
    """A box in units of a bucket and of `HEIGHT`."""

    x: float
    width: float
    y: float
    height: float
    css: str


@dataclass(frozen=True, slots=True)
class ZoomLink:
    """A link that zooms to a tenth of the trace; position in percent."""

    x: float
    width: float
    zoom: str
    label: str


class Minimap:
    """The minimap of a trace; without an activity profile it has no blocks."""

    def __init__(self, profile: ActivityProfile | None, window: Window) -> None:
        self.profile, self._window = profile, window
        axis = window.axis
        self.start, self.end = to_micros(axis.start), to_micros(axis.end)
        self._length = max(self.end - self.start, 1)

    def blocks(self) -> Iterator[Block]:
        """Yield a box for each sequence of equal buckets, and one for each sequence with errors."""
        if self.profile is not None:
            # The profile ends with the last span; the axis of a running trace extends to now.
            share = (self.profile.end - self.profile.start) / self._length
            shift = (self.profile.start - self.start) / self._length * BUCKETS
            yield from activity_blocks(self.profile, shift, share)

    def outside(self) -> list[Block]:
        """Return the parts that are not in view, left and right of the zoom."""
        if self._window.zoom is None:
            return []
        left = (to_micros(self._window.start) - self.start) / self._length * BUCKETS
        right = (to_micros(self._window.end) - self.start) / self._length * BUCKETS
        return [
            Block(0, _rounded(left), 0, HEIGHT, "off"),
            Block(_rounded(right), _rounded(BUCKETS - right), 0, HEIGHT, "off"),
        ]

    def parts(self) -> list[ZoomLink]:
        """Return the links to the tenths of the trace."""
        edges = [self.start + self._length * n // _LINKS for n in range(_LINKS + 1)]
        origin = self._window.axis.start
        parts = []
        for n, (start, end) in enumerate(pairwise(edges)):
            zoom = Zoom(from_micros(start), from_micros(max(end, start + 1)))
            times = (duration(time - origin) for time in (zoom.start, zoom.end) if time)
            width = 100 / _LINKS
            parts.append(ZoomLink(n * width, width, str(zoom), f"Zoom to {' – '.join(times)}"))
        return parts

    @property
    def idle(self) -> str | None:
        """The idle share of the trace in percent; None if it is too small to be compressed."""
        if self.profile is None or self.profile.idle_share < _MIN_IDLE_SHARE:
            return None
        # Rounded down: 100 % would be wrong, as there are spans.
        return f"{math.floor(self.profile.idle_share * 1000) / 10:g} %"


def activity_blocks(
    profile: ActivityProfile, shift: float = 0, share: float = 1
) -> Iterator[Block]:
    """Yield the boxes of a profile; ``shift`` and ``share`` map its buckets to the drawing."""
    max_count = max(profile.counts, default=0)
    columns = zip(profile.counts, profile.kinds, strict=True)
    heights = ((_height(count, max_count), f"k-{kind}") for count, kind in columns)
    failed = ((_ERROR_HEIGHT if errors else 0, "err") for errors in profile.errors)
    for first, length, (height, css) in [*_sequences(heights), *_sequences(failed)]:
        if height:
            x, width = _rounded(shift + first * share), _rounded(length * share)
            yield Block(x, width, HEIGHT - height, height, css)


def _sequences(values: Iterable[T]) -> Iterator[tuple[int, int, T]]:
    """Yield (index, length, value) for each sequence of equal values."""
    index = 0
    for value, equal in groupby(values):
        length = sum(1 for _ in equal)
        yield index, length, value
        index += length


def _height(count: int, max_count: int) -> int:
    # A log scale with a minimum, so that one span among ten thousand is visible.
    if not count:
        return 0
    min_height = 6
    return min_height + round(
        (HEIGHT - min_height) * math.log1p(count - 1) / math.log1p(max(max_count - 1, 3))
    )


def _rounded(value: float) -> float:
    return round(value, 2)
