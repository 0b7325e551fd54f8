"""Reads a whole trace from one database snapshot, in batches, so that memory stays bounded."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final
from uuid import uuid4

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row

from tracer.analysis.context.totals import ContextTotals
from tracer.errors import Busy
from tracer.export.records import (
    PAYLOAD,
    ExportedComment,
    ExportedScore,
    ExportedSpan,
    ExportedTrace,
    Row,
)
from tracer.extensions import db
from tracer.store.parts.whole_rows import WholeRows
from tracer.store.traces.model_calls import read_context_totals

MAX_SNAPSHOTS: Final = 4
_free = threading.BoundedSemaphore(MAX_SNAPSHOTS)

_TRACE_JSON: Final = ("metadata", "input", "output")

# Payload sizes differ by a factor of 1000, so the batch size follows from the previous batch.
_MAX_BATCH_ROWS: Final = 200
_BATCH_BYTES: Final = 2_000_000
_BATCH_IDS: Final = 5_000
_PAGE_CHILDREN: Final = 100
_DEEP: Final = 50
_PAGE_CHILDREN_DEEP: Final = 4


def _columns(kind: type[msgspec.Struct], texts: Iterable[str]) -> str:
    names = kind.__struct_fields__
    return ", ".join(f"{name}::text" if name in texts else name for name in names)


_TRACE = f"""
    SELECT {_columns(ExportedTrace, _TRACE_JSON)}
    FROM traces JOIN trace_payloads USING (project_id, trace_id)
    WHERE project_id = %s AND trace_id = %s
"""  # noqa: S608 - composed of constants; values are bound

_SESSION = """
    SELECT trace_id FROM traces WHERE project_id = %s AND session_id = %s
    ORDER BY start_time, trace_id
"""

_SPANS = f"""
    SELECT {_columns(ExportedSpan, PAYLOAD)}, split
    FROM spans LEFT JOIN span_payload_rows USING (project_id, trace_id, span_id)
    WHERE project_id = %s AND trace_id = %s AND span_id = ANY(%s)
"""  # noqa: S608 - composed of constants; values are bound

_SCORES = f"""
    SELECT {_columns(ExportedScore, ("metadata",))} FROM scores
    WHERE project_id = %s AND trace_id = %s ORDER BY time, score_id
"""  # noqa: S608 - composed of constants; values are bound

_COMMENTS = f"""
    SELECT {_columns(ExportedComment, ())} FROM comments
    WHERE project_id = %s AND trace_id = %s ORDER BY created_at, comment_id
"""  # noqa: S608 - composed of constants; values are bound

# Only ids are sorted: for a million spans that takes about a second, with payloads far longer.
_IN_TIME = """
    SELECT span_id FROM spans WHERE project_id = %s AND trace_id = %s AND NOT placeholder
    ORDER BY start_time, span_id
"""

_CHILDREN = """
    SELECT s.span_id, s.start_time, EXISTS (
        SELECT FROM spans c WHERE c.project_id = s.project_id AND c.trace_id = s.trace_id
            AND c.parent_span_id = s.span_id
    )
    FROM spans s WHERE s.project_id = %(project)s AND s.trace_id = %(trace)s
        AND {of} AND (s.start_time, s.span_id) > (%(time)s, %(id)s)
    ORDER BY {by}s.start_time, s.span_id LIMIT %(max_rows)s
"""
# A patch may have moved a span below a parent that never arrived: it belongs to no level, but must
# not be missing from the export.
_STRAY = """s.parent_span_id IS NOT NULL AND NOT EXISTS (
    SELECT FROM spans p WHERE p.project_id = s.project_id AND p.trace_id = s.trace_id
        AND p.span_id = s.parent_span_id
)"""
# Ordered by the parent as well, though it is NULL for all roots: see store/traces/span_tree.py.
_ROOTS = _CHILDREN.format(of="s.parent_span_id IS NULL", by="s.parent_span_id, ")
_STRAYS = _CHILDREN.format(of=_STRAY, by="")
_BELOW = _CHILDREN.format(of="s.parent_span_id = %(parent)s", by="")

_LEVEL = """
    SELECT s.span_id, {below} FROM spans s
    WHERE s.project_id = %s AND s.trace_id = %s AND {of}
    ORDER BY s.start_time, s.span_id LIMIT %s
"""
_FIRST_LEVEL = _LEVEL.format(below="NULL", of=f"(s.parent_span_id IS NULL OR {_STRAY})")
_NEXT_LEVEL = _LEVEL.format(below="s.parent_span_id", of="s.parent_span_id = ANY(%s)")

_COUNT_BELOW = """
    SELECT parent_span_id, count(*) FROM spans
    WHERE project_id = %s AND trace_id = %s AND parent_span_id = ANY(%s) GROUP BY 1
"""


class Snapshot:
    """A read-only view of the database at one moment, unaffected by concurrent writes.

    Raises Busy where MAX_SNAPSHOTS of this process are open: each occupies a thread and a
    connection for as long as its reader takes, and keeps PostgreSQL from removing dead rows.
    """

    def __init__(self) -> None:
        if not _free.acquire(blocking=False):
            raise Busy(f"{MAX_SNAPSHOTS} exports are running already")
        self._is_open = True
        try:
            self._connection = db.engine.connect().execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        except BaseException:
            _free.release()
            raise
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        self.driver = driver

    def close(self) -> None:
        """Return the connection to the pool; a second call does nothing."""
        if self._is_open:
            self._is_open = False
            _free.release()
            self._connection.close()

    def trace(self, project_id: str, trace_id: str) -> TraceSource | None:
        """Return the trace as a source for `tracer.export`; None: there is no such trace."""
        cursor = self.driver.cursor(row_factory=dict_row)
        row = cursor.execute(_TRACE, (project_id, trace_id)).fetchone()
        if row is None:
            return None
        return TraceSource(self._connection, self.driver, ExportedTrace(**_raw(row, _TRACE_JSON)))

    def stream(self, query: sa.Select[Any]) -> Iterator[sa.RowMapping]:
        """Yield the rows of a query, some hundred of which are in memory at a time."""
        options = {"yield_per": _MAX_BATCH_ROWS}
        with self._connection.execute(query, execution_options=options) as result:
            yield from result.mappings()

    def session(self, project_id: str, session_id: str) -> Iterator[TraceSource]:
        """Yield the traces of a session, oldest first."""
        for trace_id in _stream(self.driver, _SESSION, (project_id, session_id)):
            source = self.trace(project_id, trace_id)
            if source is not None:
                yield source


class TraceSource:
    """One trace of a snapshot, with the methods that ``tracer.export`` reads."""

    def __init__(
        self, connection: sa.Connection, driver: psycopg.Connection[Any], trace: ExportedTrace
    ) -> None:
        self.trace = trace
        self._connection = connection
        self._driver = driver
        self._key = trace.project_id, trace.trace_id
        self._payloads = WholeRows(driver, trace.project_id)

    def comments(self) -> Iterator[ExportedComment]:
        """Yield the comments on the trace and its spans, oldest first."""
        return (ExportedComment(**row) for row in self._annotations(_COMMENTS))

    def scores(self) -> Iterator[ExportedScore]:
        """Yield the scores of the trace and its spans, oldest first."""
        return (ExportedScore(**_raw(row, ("metadata",))) for row in self._annotations(_SCORES))

    def context(self) -> ContextTotals:
        """Return what the model calls of the trace were sent again."""
        return read_context_totals(*self._key, self._connection)

    def _annotations(self, query: str) -> Iterator[dict[str, Any]]:
        with self._driver.cursor(f"annotations_{uuid4().hex}", row_factory=dict_row) as cursor:
            cursor.itersize = _MAX_BATCH_ROWS
            yield from cursor.execute(query, self._key)

    def in_time(self) -> Iterator[ExportedSpan]:
        """Yield every span that has arrived, in order of start and id."""
        ids = _stream(self._driver, _IN_TIME, self._key)
        return self._read(ids)

    def in_tree(self) -> Iterator[Row]:
        """Yield the rows of the whole tree, each parent before its children."""
        return self._rows((depth, span_id, 0) for depth, span_id in self._walk())

    def upper(self, limit: int) -> Iterator[Row]:
        """Yield the rows of the tree's upper levels, at most ``limit``."""
        below: dict[str | None, list[str]] = {}
        left, level = limit, [None]
        while left > 0 and level:
            level = self._level(level, left, below)
            left -= len(level)
        shown = [span_id for ids in below.values() for span_id in ids]
        # Children can only be missing where the limit was reached.
        counts = self._counts_below(shown) if left <= 0 else {}
        return self._rows(_nested(below, counts))

    def _level(
        self, parents: list[Any], limit: int, below: dict[str | None, list[str]]
    ) -> list[Any]:
        """Add one level's ids to ``below`` by their parent, and return the ids."""
        if parents == [None]:
            rows = self._driver.execute(_FIRST_LEVEL, (*self._key, limit)).fetchall()
        else:
            rows = self._driver.execute(_NEXT_LEVEL, (*self._key, parents, limit)).fetchall()
        for span_id, parent_id in rows:
            below.setdefault(parent_id, []).append(span_id)
        return [span_id for span_id, _ in rows]

    def _counts_below(self, ids: list[str]) -> dict[str | None, int]:
        rows = self._driver.execute(_COUNT_BELOW, (*self._key, ids)).fetchall()
        counts: dict[str | None, int] = dict(rows)
        return counts

    def _walk(self) -> Iterator[tuple[int, str]]:
        """Yield (depth, id) of every row of the tree; levels are read in pages."""
        yield from self._descend(self._page(_ROOTS, None, 0, None))
        yield from self._descend(self._page(_STRAYS, None, 0, None))

    def _descend(self, first: _OpenLevel) -> Iterator[tuple[int, str]]:
        # Per open level: the unread rest of its page, and where its next page begins.
        stack = [first]
        while stack:
            level = stack[-1]
            if not level.rows:
                stack.pop()
                if level.more:
                    stack.append(self._page(level.query, level.parent_id, level.depth, level.last))
                continue
            span_id, start, has_children = level.rows.pop()
            level.last = start, span_id
            yield level.depth, span_id
            # Pop a finished level before its child is pushed: the stack stays flat for chains.
            if not level.rows and not level.more:
                stack.pop()
            if has_children:
                stack.append(self._page(_BELOW, span_id, level.depth + 1, None))

    def _page(self, query: str, parent_id: str | None, depth: int, after: Any) -> _OpenLevel:
        limit = _PAGE_CHILDREN if depth < _DEEP else _PAGE_CHILDREN_DEEP
        time, span_id = after or ("-infinity", "")
        values = {"project": self._key[0], "trace": self._key[1], "parent": parent_id}
        rows = self._driver.execute(
            query.encode(),
            {**values, "time": time, "id": span_id, "max_rows": limit},
        ).fetchall()
        return _OpenLevel(query, parent_id, depth, rows[::-1], len(rows) == limit)

    def _rows(self, positions: Iterator[tuple[int, str, int]]) -> Iterator[Row]:
        waiting: deque[tuple[int, int]] = deque()

        def ids() -> Iterator[str]:
            for depth, span_id, left_out in positions:
                waiting.append((depth, left_out))
                yield span_id

        for span in self._read(ids()):
            depth, left_out = waiting.popleft()
            yield Row(depth=depth, span=span, left_out=left_out)

    def _read(self, ids: Iterator[str]) -> Iterator[ExportedSpan]:
        """Yield the spans of these ids, in the order of the ids."""
        size = 20
        while batch := list(islice(ids, size)):
            cursor = self._driver.cursor(row_factory=dict_row)
            rows = cursor.execute(_SPANS, (*self._key, batch)).fetchall()
            self._payloads.complete(self._key[1], rows)
            weight = sum(len(row[name]) for row in rows for name in PAYLOAD if row[name])
            rows_by_id = {row["span_id"]: row for row in rows}
            for span_id in batch:
                yield ExportedSpan(**_raw(rows_by_id[span_id], PAYLOAD))
            each = max(weight // len(batch), 1)
            size = max(1, min(_MAX_BATCH_ROWS, _BATCH_BYTES // each, size * 4))


class _OpenLevel(msgspec.Struct):
    """An open level of the tree: the rest of its page (last row first), and whether more follow."""

    query: str
    parent_id: str | None
    depth: int
    rows: list[Any]
    more: bool
    last: Any = None


def _nested(
    below: dict[str | None, list[str]], counts: dict[str | None, int]
) -> Iterator[tuple[int, str, int]]:
    """Yield (depth, id, number of children left out), each parent before its children."""
    stack = [(0, span_id) for span_id in reversed(below.get(None, []))]
    while stack:
        depth, span_id = stack.pop()
        inside = below.get(span_id, [])
        yield depth, span_id, max(counts.get(span_id, 0) - len(inside), 0)
        stack += [(depth + 1, child) for child in reversed(inside)]


def _stream(driver: psycopg.Connection[Any], query: str, values: tuple[str, ...]) -> Iterator[str]:
    """Yield the first column of a query's rows through a server-side cursor."""
    with driver.cursor(f"ids_{uuid4().hex}") as cursor:
        cursor.itersize = _BATCH_IDS
        for row in cursor.execute(query, values):
            yield row[0]


def _raw(row: dict[str, Any], texts: Iterable[str]) -> dict[str, Any]:
    """Return a row with its JSON columns as msgspec.Raw, which is encoded without parsing."""
    for name in texts:
        if row[name] is not None:
            row[name] = msgspec.Raw(row[name])
    return row
