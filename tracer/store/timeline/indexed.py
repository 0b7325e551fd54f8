"""The timeline of a large trace from the stored index; each read fetches a few blocks and pages."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.log import word_index
from tracer.analysis.log.entries import PAGE, Entry, unpack_page, unpack_times
from tracer.analysis.log.matches import LogFilter, Neighbours
from tracer.analysis.log.words import Term
from tracer.extensions import db
from tracer.store.timeline.fill import kind_term, level_term

# A term that matches words in more blocks than these is cut, and the count is marked as partial.
_MAX_BLOCKS: Final = 8
_SLICE: Final = 32
_MANY_PAGES: Final = 500

_HEAD = sa.text("""
    SELECT l.first_segment, l.segment_count, l.entry_count, l.state_of = t.updated_at AS fresh,
        t.span_count - l.span_count AS behind
    FROM timelines l JOIN traces t USING (project_id, trace_id)
    WHERE l.project_id = :project AND l.trace_id = :trace AND l.state_of IS NOT NULL
""")
_SEGMENTS = sa.text("""
    SELECT segment, starts FROM timeline_segments
    WHERE project_id = :project AND trace_id = :trace AND segment BETWEEN :first AND :last
    ORDER BY segment
""")
# From the last block that may contain a matching word backwards: one or two entries per segment.
_BLOCKS = sa.text(f"""
    SELECT segment, body, rank
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) segment,
    LATERAL (
        SELECT body, row_number() OVER (ORDER BY first_word DESC) AS rank FROM (
            SELECT body, first_word, last_word FROM timeline_words w
            WHERE w.project_id = :project AND w.trace_id = :trace AND w.segment = segment.segment
                AND first_word <= :high
            ORDER BY first_word DESC LIMIT {_MAX_BLOCKS + 1}
        ) b WHERE last_word >= :low
    ) block
""")  # noqa: S608 - composed of constants; values are bound
_PAGES = sa.text("""
    SELECT p.segment, p.page, p.body
    FROM unnest(CAST(:segments AS int[]), CAST(:pages AS int[])) k (segment, page)
    JOIN timeline_pages p ON p.project_id = :project AND p.trace_id = :trace
        AND p.segment = k.segment AND p.page = k.page
""")


class IndexedTimeline:
    """The timeline of one trace, opened for reading."""

    def __init__(self, project_id: str, trace_id: str, head: Any) -> None:
        self._key = {
            "project": project_id,
            "trace": trace_id,
            "first": head.first_segment,
            "last": head.first_segment + head.segment_count - 1,
        }
        self.count: int = head.entry_count
        self.behind: int = max(head.behind, 0 if head.fresh else 1)
        """Number of spans that arrived or changed since the index was built, as far as known."""
        self.starts: array[int] = array("q")
        """The start time of each page (µs)."""
        self._page_keys: list[tuple[int, int]] = []
        self._offsets: dict[int, int] = {}
        for segment, packed in db.session.execute(_SEGMENTS, self._key):
            # All pages but the last are full, so an entry's number gives its page and offset.
            self._offsets[segment] = len(self.starts) * PAGE
            starts = unpack_times(packed)
            self._page_keys += [(segment, page) for page in range(len(starts))]
            self.starts += starts
        self._pages: dict[int, list[Entry]] = {}

    def find(self, log_filter: LogFilter) -> IndexedMatches:
        """Return the entries that fulfil the filter."""
        matching, more = (1 << self.count) - 1, False
        filters = [[Term(kind_term(kind), True) for kind in log_filter.kinds]]
        filters.append([Term(level_term(level), True) for level in log_filter.levels])
        for alternatives in [*filters, *([term] for term in log_filter.terms)]:
            if alternatives:
                united = 0
                for term in alternatives:
                    entries, cut = self._entries(term)
                    united, more = united | entries, more or cut
                matching &= united
        return IndexedMatches(self, matching, more)

    def position(self, key: Entry) -> int:
        """Return the number of entries before ``key``."""
        low, high = bisect_left(self.starts, key.time) - 1, bisect_right(self.starts, key.time) - 1
        # More than two pages only where several pages start at the same microsecond.
        while low < high:
            middle = (low + high + 1) // 2
            if self.pages([middle])[middle][0] <= key:
                low = middle
            else:
                high = middle - 1
        if low < 0:
            return 0
        return low * PAGE + bisect_left(self.pages([low])[low], key)

    def entries(self, numbers: list[int]) -> list[Entry]:
        """Return the entries of these numbers; none where the timeline was replaced meanwhile."""
        pages = self.pages(sorted({number // PAGE for number in numbers}))
        return [pages[n // PAGE][n % PAGE] for n in numbers if len(pages[n // PAGE]) > n % PAGE]

    def pages(self, wanted: list[int]) -> dict[int, list[Entry]]:
        """Return pages by their number; each is read once."""
        missing = [self._page_keys[number] for number in wanted if number not in self._pages]
        if missing:
            segments, pages = zip(*missing, strict=True)
            values = self._key | {"segments": list(segments), "pages": list(pages)}
            for segment, page, body in db.session.execute(_PAGES, values):
                number = self._offsets[segment] // PAGE + page
                self._pages[number] = unpack_page(body)
        return {number: self._pages.get(number, []) for number in wanted}

    def _entries(self, term: Term) -> tuple[int, bool]:
        """Return (bit set of the entries that match the term, whether there may be more)."""
        low, high = word_index.word_range(term)
        bodies: dict[int, list[bytes]] = defaultdict(list)
        more = False
        for segment, body, rank in db.session.execute(
            _BLOCKS, self._key | {"low": low, "high": high}
        ):
            if rank > _MAX_BLOCKS:
                more = True
            else:
                bodies[segment].append(body)
        united = 0
        for segment, blocks in bodies.items():
            united |= word_index.find(blocks, term) << self._offsets.get(segment, 0)
        return united, more


class IndexedMatches:
    """The matches of a filter, as a bit set of entry numbers."""

    def __init__(self, timeline: IndexedTimeline, matching: int, more: bool) -> None:
        self._timeline = timeline
        self._matching = matching
        self.count = matching.bit_count()
        self.more = more
        self.unsearched = timeline.behind

    def after(self, key: Entry | None, limit: int) -> list[Entry]:
        """Return the first entries after ``key`` (None: from the start), at most ``limit``."""
        position = 0 if key is None else self._timeline.position(key)
        numbers = list(islice(word_index.members(self._matching, position), limit + 1))
        entries = self._timeline.entries(numbers)
        return [entry for entry in entries if key is None or entry > key][:limit]

    def before(self, key: Entry, limit: int) -> list[Entry]:
        """Return the last entries before ``key``, in time order, at most ``limit``."""
        position = self._timeline.position(key)
        numbers = list(islice(word_index.members_before(self._matching, position), limit))
        return self._timeline.entries(numbers[::-1])

    def beside(self, key: Entry) -> Neighbours:
        """Return the position of ``key`` among the matches, whether it matches or not."""
        position = self._timeline.position(key)
        # The first entry from here on may be the key itself.
        numbers = [*islice(word_index.members_before(self._matching, position), 1)]
        numbers += islice(word_index.members(self._matching, position), 2)
        ahead = (self._matching & ((1 << position) - 1)).bit_count()
        return Neighbours.of(key, self._timeline.entries(numbers), ahead)

    def times(self) -> Iterator[tuple[int, int]]:
        """Yield (approximate time, number of matches): within a page, entries are taken as even."""
        starts = self._timeline.starts
        packed = self._matching.to_bytes(len(starts) * PAGE // 8, "little")
        # With many pages, a page is less than a pixel of the minimap.
        slices = PAGE // _SLICE if len(starts) < _MANY_PAGES else 1
        width = PAGE // 8 // slices
        empty = bytes(PAGE // 8)
        for page, start in enumerate(starts):
            # Most pages contain no match of a rare term.
            if packed[page * PAGE // 8 : (page + 1) * PAGE // 8] == empty:
                continue
            end = starts[min(page + 1, len(starts) - 1)]
            for part in range(slices):
                offset = (page * slices + part) * width
                count = int.from_bytes(packed[offset : offset + width], "little").bit_count()
                if count:
                    yield start + (end - start) * part // slices, count


def read_stored(project_id: str, trace_id: str) -> IndexedTimeline | None:
    """Return the stored timeline of a trace; None: there is none yet."""
    key = {"project": project_id, "trace": trace_id}
    head = db.session.execute(_HEAD, key).one_or_none()
    return IndexedTimeline(project_id, trace_id, head) if head is not None else None
