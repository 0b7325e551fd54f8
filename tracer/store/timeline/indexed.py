"""A trace whose timeline is stored: each question reads some blocks and pages of it."""

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
from tracer.store.timeline.fill import kind_mark, level_mark

# A term that begins more words than these hold is cut, and the count says that it is.
_MOST_BLOCKS: Final = 8
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
# From the last block that may hold a meant word backwards: one or two index entries a segment.
_BLOCKS = sa.text(f"""
    SELECT segment, body, rank
    FROM generate_series(CAST(:first AS int), CAST(:last AS int)) segment,
    LATERAL (
        SELECT body, row_number() OVER (ORDER BY first_word DESC) AS rank FROM (
            SELECT body, first_word, last_word FROM timeline_words w
            WHERE w.project_id = :project AND w.trace_id = :trace AND w.segment = segment.segment
                AND first_word <= :high
            ORDER BY first_word DESC LIMIT {_MOST_BLOCKS + 1}
        ) b WHERE last_word >= :low
    ) block
""")
_PAGES = sa.text("""
    SELECT p.segment, p.page, p.body
    FROM unnest(CAST(:segments AS int[]), CAST(:pages AS int[])) k (segment, page)
    JOIN timeline_pages p ON p.project_id = :project AND p.trace_id = :trace
        AND p.segment = k.segment AND p.page = k.page
""")


class Stored:
    """The timeline of one trace, opened."""

    def __init__(self, project_id: str, trace_id: str, head: Any) -> None:
        self._key = {
            "project": project_id,
            "trace": trace_id,
            "first": head.first_segment,
            "last": head.first_segment + head.segment_count - 1,
        }
        self.count: int = head.entry_count
        self.behind: int = max(head.behind, 0 if head.fresh else 1)
        """Spans that came or changed since, as far as that is known."""
        self.starts: array[int] = array("q")
        """The first time of each page."""
        self._places: list[tuple[int, int]] = []
        self._offsets: dict[int, int] = {}
        for segment, packed in db.session.execute(_SEGMENTS, self._key):
            # All pages but the very last are full: so the number of an entry says where it is.
            self._offsets[segment] = len(self.starts) * PAGE
            starts = unpack_times(packed)
            self._places += [(segment, page) for page in range(len(starts))]
            self.starts += starts
        self._pages: dict[int, list[Entry]] = {}

    def find(self, asked: LogFilter) -> Hits:
        """Return the entries that are all of what is asked for."""
        held, more = (1 << self.count) - 1, False
        marks = [[Term(kind_mark(kind), True) for kind in asked.kinds]]
        marks.append([Term(level_mark(level), True) for level in asked.levels])
        for one_of in [*marks, *([term] for term in asked.terms)]:
            if one_of:
                united = 0
                for term in one_of:
                    entries, cut = self._entries(term)
                    united, more = united | entries, more or cut
                held &= united
        return Hits(self, held, more)

    def place(self, key: Entry) -> int:
        """Return how many entries lie ahead of ``key``."""
        low, high = bisect_left(self.starts, key.time) - 1, bisect_right(self.starts, key.time) - 1
        # More than two only where whole pages begin at the same microsecond.
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
        """Return the entries of these numbers; a timeline replaced meanwhile has none."""
        pages = self.pages(sorted({number // PAGE for number in numbers}))
        return [pages[n // PAGE][n % PAGE] for n in numbers if len(pages[n // PAGE]) > n % PAGE]

    def pages(self, wanted: list[int]) -> dict[int, list[Entry]]:
        """Return pages by number, each read once."""
        missing = [self._places[number] for number in wanted if number not in self._pages]
        if missing:
            segments, pages = zip(*missing, strict=True)
            values = self._key | {"segments": list(segments), "pages": list(pages)}
            for segment, page, body in db.session.execute(_PAGES, values):
                number = self._offsets[segment] // PAGE + page
                self._pages[number] = unpack_page(body)
        return {number: self._pages.get(number, []) for number in wanted}

    def _entries(self, term: Term) -> tuple[int, bool]:
        """Return the set of entries that a term finds, and whether there may be more."""
        low, high = word_index.word_range(term)
        bodies: dict[int, list[bytes]] = defaultdict(list)
        more = False
        for segment, body, rank in db.session.execute(
            _BLOCKS, self._key | {"low": low, "high": high}
        ):
            if rank > _MOST_BLOCKS:
                more = True
            else:
                bodies[segment].append(body)
        united = 0
        for segment, held in bodies.items():
            united |= word_index.find(held, term) << self._offsets.get(segment, 0)
        return united, more


class Hits:
    """What was found: a set of the numbers of entries."""

    def __init__(self, timeline: Stored, held: int, more: bool) -> None:
        self._timeline = timeline
        self._held = held
        self.count = held.bit_count()
        self.more = more
        self.unsearched = timeline.behind

    def after(self, key: Entry | None, limit: int) -> list[Entry]:
        """Return the first entries behind ``key`` (None: of all), at most ``limit``."""
        at = 0 if key is None else self._timeline.place(key)
        numbers = list(islice(word_index.members(self._held, at), limit + 1))
        found = self._timeline.entries(numbers)
        return [entry for entry in found if key is None or entry > key][:limit]

    def before(self, key: Entry, limit: int) -> list[Entry]:
        """Return the last entries ahead of ``key``, in the order of time."""
        at = self._timeline.place(key)
        numbers = list(islice(word_index.members_before(self._held, at), limit))
        return self._timeline.entries(numbers[::-1])

    def beside(self, key: Entry) -> Neighbours:
        """Return where ``key`` stands, whether it is one of them or not."""
        at = self._timeline.place(key)
        # The first from there on may be the key itself.
        numbers = [*islice(word_index.members_before(self._held, at), 1)]
        numbers += islice(word_index.members(self._held, at), 2)
        ahead = (self._held & ((1 << at) - 1)).bit_count()
        return Neighbours.of(key, self._timeline.entries(numbers), ahead)

    def times(self) -> Iterator[tuple[int, int]]:
        """Yield about when entries lie: between two pages' starts time is taken as even."""
        starts = self._timeline.starts
        packed = self._held.to_bytes(len(starts) * PAGE // 8, "little")
        # Of many pages each is but a dot on the axis.
        slices = PAGE // _SLICE if len(starts) < _MANY_PAGES else 1
        width = PAGE // 8 // slices
        empty = bytes(PAGE // 8)
        for page, start in enumerate(starts):
            # Most pages hold none of a hundred hits.
            if packed[page * PAGE // 8 : (page + 1) * PAGE // 8] == empty:
                continue
            end = starts[min(page + 1, len(starts) - 1)]
            for part in range(slices):
                at = (page * slices + part) * width
                count = int.from_bytes(packed[at : at + width], "little").bit_count()
                if count:
                    yield start + (end - start) * part // slices, count


def read_stored(project_id: str, trace_id: str) -> Stored | None:
    """Return the stored timeline of a trace; None: there is none yet."""
    key = {"project": project_id, "trace": trace_id}
    head = db.session.execute(_HEAD, key).one_or_none()
    return Stored(project_id, trace_id, head) if head is not None else None
