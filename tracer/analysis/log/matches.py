"""What of a trace's entries was found, whichever way: counted, paged, placed on a time axis."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from tracer.analysis.log.entries import Entry
from tracer.analysis.log.words import Term


class Asked(NamedTuple):
    """What entries are asked for, all of it; what is empty asks for nothing."""

    terms: tuple[Term, ...] = ()
    """Words of the span; an event is found by none."""
    kinds: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()


class Beside(NamedTuple):
    """Where an entry stands among those that were found."""

    previous: Entry | None
    ahead: int | None
    """How many lie ahead of it; None: it is none of them itself."""
    following: Entry | None

    @classmethod
    def of(cls, key: Entry, near: Sequence[Entry], ahead: int) -> Beside:
        """Return the place of ``key`` out of those found ``near`` it, in their order."""
        previous = [entry for entry in near if entry < key]
        following = [entry for entry in near if entry > key]
        return cls(
            previous[-1] if previous else None,
            ahead if key in near else None,
            following[0] if following else None,
        )


class Found(Protocol):
    """Entries in the order of time."""

    count: int
    more: bool
    """There may be more than ``count``."""
    unsearched: int
    """Spans that no search reaches yet."""

    def after(self, key: Entry | None, limit: int) -> list[Entry]:
        """Return the first entries behind ``key`` (None: of all), at most ``limit``."""

    def before(self, key: Entry, limit: int) -> list[Entry]:
        """Return the last entries ahead of ``key``, in the order of time."""

    def beside(self, key: Entry) -> Beside:
        """Return where ``key`` stands, whether it is one of them or not."""

    def times(self) -> Iterable[tuple[int, int]]:
        """Yield times (µs) and how many entries lie at or shortly behind each."""


class Listed:
    """Entries that are all in memory."""

    def __init__(self, entries: Sequence[Entry], unsearched: int = 0) -> None:
        self._entries = entries
        self.count = len(entries)
        self.more = False
        self.unsearched = unsearched

    def after(self, key: Entry | None, limit: int) -> list[Entry]:
        """Return the first entries behind ``key`` (None: of all), at most ``limit``."""
        at = 0 if key is None else bisect_right(self._entries, key)
        return list(self._entries[at : at + limit])

    def before(self, key: Entry, limit: int) -> list[Entry]:
        """Return the last entries ahead of ``key``, in the order of time."""
        at = bisect_left(self._entries, key)
        return list(self._entries[max(at - limit, 0) : at])

    def beside(self, key: Entry) -> Beside:
        """Return where ``key`` stands, whether it is one of them or not."""
        at = bisect_left(self._entries, key)
        return Beside.of(key, self._entries[max(at - 1, 0) : at + 2], at)

    def times(self) -> Iterator[tuple[int, int]]:
        """Yield the time of each entry."""
        return ((entry.time, 1) for entry in self._entries)


def buckets(found: Found, start: int, end: int, number: int) -> list[int]:
    """Return how many entries begin in each of ``number`` equal parts of the time axis (µs).

    What lies outside of it counts at its ends.
    """
    counts = [0] * number
    length = max(end - start, 1)
    for time, count in found.times():
        place = (time - start) * number // length
        counts[min(max(place, 0), number - 1)] += count
    return counts
