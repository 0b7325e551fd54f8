"""Reads two traces to compare: their spans and digests of payloads; and finds earlier runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.forest import Forest
from tracer.extensions import db
from tracer.store.analyses.compute import FACTS
from tracer.store.database.session import within
from tracer.store.schema import bookmarks, traces
from tracer.store.traces.traces import TraceRow

MAX_SPANS: Final = 5_000
"""Spans of a trace that are compared; of a larger one, level by level from the roots on."""
MAX_DIGESTED_SPANS: Final = 2_000
"""Spans of a trace up to which its payloads are compared."""
SECONDS: Final = 5
_MAX_SCANNED: Final = 2_000
"""Earlier traces that are searched for one that fits."""
_MIN_RUNS: Final = 5
"""Good runs of the last seven days, of which one is the usual."""

_FACTS: Final = FACTS.format(project=":project", trace=":trace")
_WHOLE: Final = sa.text(_FACTS)
_BY_ID: Final = sa.text(
    _FACTS.replace("ORDER BY", "AND span_id = ANY(CAST(:ids AS text[])) ORDER BY")
)
_ROOTS: Final = sa.text("""
    SELECT span_id FROM spans
    WHERE project_id = :project AND trace_id = :trace AND parent_span_id IS NULL
    ORDER BY parent_span_id, start_time, span_id LIMIT :max_rows
""")
_BELOW: Final = sa.text("""
    SELECT c.span_id FROM unnest(CAST(:ids AS text[])) p (span_id) CROSS JOIN LATERAL (
        SELECT span_id FROM spans
        WHERE project_id = :project AND trace_id = :trace AND parent_span_id = p.span_id
        ORDER BY start_time, span_id LIMIT :max_rows
    ) c LIMIT :max_rows
""")
# A skeleton names its parts by their content, so equal texts are equal values.
_DIGESTS: Final = sa.text("""
    SELECT p.span_id, md5(p.input::text), md5(p.output::text), md5(p.model_parameters::text),
        md5(p.tools::text), p.prompt_name || coalesce('@' || p.prompt_version, ''),
        s.status_message
    FROM span_payload_rows p JOIN spans s USING (project_id, trace_id, span_id)
    WHERE p.project_id = :project AND p.trace_id = :trace
""")
_DIGESTED: Final = ("input", "output", "parameters", "tools", "prompt", "message")


@dataclass(frozen=True, slots=True)
class ReadTrace:
    """The spans of one trace of a comparison; ``cut``: there are more."""

    forest: Forest
    digests: dict[str, dict[str, str | None]]
    cut: bool


@dataclass(frozen=True, slots=True)
class Run:
    """Another trace to compare with, and why it is offered."""

    reason: str
    trace_id: str
    start_time: datetime
    status: str


def read_trace(trace: TraceRow) -> ReadTrace:
    """Read up to `MAX_SPANS` spans of a trace; the digests are empty for a larger one."""
    key = {"project": trace.project_id, "trace": trace.trace_id}
    with within(SECONDS):
        if trace.span_count <= MAX_SPANS:
            forest = Forest.build(db.session.execute(_WHOLE, key))
            return ReadTrace(forest, _digests(key, trace.span_count), cut=False)
        ids = list(_from_the_roots(key))
        return ReadTrace(Forest.build(db.session.execute(_BY_ID, key | {"ids": ids})), {}, cut=True)


def _from_the_roots(key: dict[str, Any]) -> Iterator[str]:
    """Yield the ids of spans level by level, as many as are compared."""
    left = MAX_SPANS
    level = list(db.session.scalars(_ROOTS, key | {"max_rows": left}))
    while level and left > 0:
        yield from level
        left -= len(level)
        level = list(db.session.scalars(_BELOW, key | {"ids": level, "max_rows": max(left, 0)}))


def _digests(key: dict[str, Any], spans: int) -> dict[str, dict[str, str | None]]:
    if spans > MAX_DIGESTED_SPANS:
        return {}
    rows = db.session.execute(_DIGESTS, key)
    return {row[0]: dict(zip(_DIGESTED, row[1:], strict=True)) for row in rows}


def earlier_runs(trace: TraceRow) -> list[Run]:
    """Return traces that this one may be compared with, each for one reason.

    They are before it; one with a bookmark may be after it.
    """
    name, session, user = trace.name, trace.session_id, trace.user_id
    runs = [
        _earlier(trace, "Last good run", "name", name, _is_good),
        _earlier(trace, "Previous run", "name", name),
        _usual(trace),
        _bookmarked(trace),
    ]
    if user is not None:
        runs.append(_earlier(trace, "Previous of the user", "user_id", user, _has_name(name)))
    if session is not None:
        runs.append(_earlier(trace, "Previous of the session", "session_id", session))
    return [run for run in runs if run is not None]


_Condition = Callable[[sa.FromClause], sa.ColumnElement[bool]]


def _is_good(table: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.status == "completed", table.c.error_count == 0)


def _has_name(name: str) -> _Condition:
    def has_name(table: sa.FromClause) -> sa.ColumnElement[bool]:
        condition: sa.ColumnElement[bool] = table.c.name == name
        return condition

    return has_name


def _earlier(
    trace: TraceRow, reason: str, column: str, value: str, fits: _Condition | None = None
) -> Run | None:
    """Return the latest earlier trace with a value that fits, among the latest of that value."""
    latest = _latest(trace, column, value)
    fitting = sa.select(latest.c.trace_id, latest.c.start_time, latest.c.status)
    if fits is not None:
        fitting = fitting.where(fits(latest))
    newest = fitting.order_by(latest.c.start_time.desc(), latest.c.trace_id.desc()).limit(1)
    row = db.session.execute(newest).one_or_none()
    return None if row is None else Run(reason, *row)


def _usual(trace: TraceRow) -> Run | None:
    """Return the earlier good run of the name whose duration is the median of seven days.

    None: there are fewer than `_MIN_RUNS`.
    """
    latest = _latest(trace, "name", trace.name)
    week = latest.c.start_time >= trace.start_time - timedelta(days=7)
    length = latest.c.end_time - latest.c.start_time
    rank = sa.func.row_number().over(order_by=(length, latest.c.trace_id))
    ranked = (
        sa.select(latest, rank.label("rank"), sa.func.count().over().label("runs"))
        .where(week, _is_good(latest))
        .subquery("ranked")
    )
    median = sa.select(ranked.c.trace_id, ranked.c.start_time, ranked.c.status).where(
        ranked.c.runs >= _MIN_RUNS, ranked.c.rank == (ranked.c.runs + 1) // 2
    )
    row = db.session.execute(median).one_or_none()
    return None if row is None else Run("Usual run", *row)


def _bookmarked(trace: TraceRow) -> Run | None:
    """Return the latest other trace of the name that has a bookmark, earlier or later."""
    query = (
        sa.select(traces.c.trace_id, traces.c.start_time, traces.c.status)
        .join(
            bookmarks,
            sa.and_(
                bookmarks.c.project_id == traces.c.project_id,
                bookmarks.c.trace_id == traces.c.trace_id,
            ),
        )
        .where(
            bookmarks.c.project_id == trace.project_id,
            bookmarks.c.trace_id.not_in(("", trace.trace_id)),
            traces.c.name == trace.name,
        )
        .order_by(traces.c.start_time.desc(), traces.c.trace_id.desc())
        .limit(1)
    )
    row = db.session.execute(query).one_or_none()
    return None if row is None else Run("Bookmark", *row)


def _latest(trace: TraceRow, column: str, value: str) -> sa.Subquery:
    """Return the latest traces before a trace that have a value."""
    order = traces.c.start_time, traces.c.trace_id
    before = sa.tuple_(*order) < sa.tuple_(
        sa.literal(trace.start_time, traces.c.start_time.type), sa.literal(trace.trace_id)
    )
    return (
        sa.select(
            *(*order, traces.c.end_time, traces.c.status, traces.c.error_count, traces.c.name)
        )
        .where(traces.c.project_id == trace.project_id, traces.c[column] == value, before)
        .order_by(*(part.desc() for part in order))
        .limit(_MAX_SCANNED)
        .subquery("latest")
    )
