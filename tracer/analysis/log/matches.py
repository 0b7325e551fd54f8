"""The result of filtering a trace's log: counts, pages, and a histogram over time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from tracer.analysis.log.entries import Entry
from tracer.analysis.log.words import Term


class LogFilter(NamedTuple):
    """The conditions that an entry must meet; an empty field is no condition."""

    terms: tuple[Term, ...] = ()
    """Words that the span must contain, all of them; an event contains none."""
    kinds: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()


class Neighbours(NamedTuple):
    """The position of an entry among the matches, whether it is a match or not."""

    previous: Entry | None
    ahead: int | None
    """Number of matches before the entry; None: the entry is no match itself."""
    following: Entry | None

    @classmethod
    def of(cls, key: Entry, near: Sequence[Entry], ahead: int) -> Neighbours:
        """Return the neighbours of ``key`` among ``near``, the matches around it in time order."""
        previous = [entry for entry in near if entry < key]
        following = [entry for entry in near if entry > key]
        return cls(
            previous[-1] if previous else None,
            ahead if key in near else None,
            following[0] if following else None,
        )


class Matches(Protocol):
    """The matching entries, in time order."""

    count: int
    more: bool
    """True: there may be more matches than ``count``."""
    unsearched: int
    """Number of spans that the search does not cover yet."""

    def after(self, key: Entry | None, limit: int) -> list[Entry]:
        """Return the first ``limit`` matches after ``key``; None: from the start."""

    def before(self, key: Entry, limit: int) -> list[Entry]:
        """Return the last ``limit`` matches before ``key``, in time order."""

    def beside(self, key: Entry) -> Neighbours:
        """Return the neighbours of ``key``, whether it is a match or not."""

    def times(self) -> Iterable[tuple[int, int]]:
        """Yield (time in µs, number of matches at or shortly after it)."""


class InMemoryMatches:
    """Matches held in memory."""

    def __init__(self, entries: Sequence[Entry], unsearched: int = 0) -> None:
        self._entries = entries
        self.count = len(entries)
        self.more = False
        self.unsearched = unsearched

    def after(self, key: Entry | None, limit: int) -> list[Entry]:
        """Return the first ``limit`` matches after ``key``; None: from the start."""
        index = 0 if key is None else bisect_right(self._entries, key)
        return list(self._entries[index : index + limit])

    def before(self, key: Entry, limit: int) -> list[Entry]:
        """Return the last ``limit`` matches before ``key``, in time order."""
        index = bisect_left(self._entries, key)
        return list(self._entries[max(index - limit, 0) : index])

    def beside(self, key: Entry) -> Neighbours:
        """Return the neighbours of ``key``, whether it is a match or not."""
        index = bisect_left(self._entries, key)
        return Neighbours.of(key, self._entries[max(index - 1, 0) : index + 2], index)

    def times(self) -> Iterator[tuple[int, int]]:
        """Yield (time in µs, 1) for each match."""
        return ((entry.time, 1) for entry in self._entries)


def buckets(matches: Matches, start: int, end: int, parts: int) -> list[int]:
    """Return the matches in each of ``parts`` equal parts of the time from start to end (µs).

    Matches outside of it are counted in the first or last part.
    """
    counts = [0] * parts
    length = max(end - start, 1)
    for time, count in matches.times():
        bucket = (time - start) * parts // length
        counts[min(max(bucket, 0), parts - 1)] += count
    return counts
