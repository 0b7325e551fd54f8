"""Random databases for queries: plain rows of all tables that queries read, and their storing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from tests.support.query.strategies import KEYS, TEXTS
from tracer.extensions import db
from tracer.records import KINDS, LEVELS, STATUSES
from tracer.store import schema

NOW = datetime(2026, 11, 23, 15, 0, 0, 123456, tzinfo=UTC)
PROJECT = "default"
Row = dict[str, Any]

_STARTS = st.sampled_from(
    [
        NOW - timedelta(seconds=seconds, microseconds=micros)
        for seconds in (0, 60, 3600, 3599, 86_400, 90_000, 40_000_000)
        for micros in (0, 123456)
    ]
)
_LENGTHS = st.sampled_from([0, 1, 250_000, 1_000_000, 5_000_000, 3_600_000_000])
_COUNTS = st.integers(0, 5)
_TOKENS = st.one_of(st.none(), st.sampled_from([0, 1, 5, 1000, 1_500_000]))
_COSTS = st.one_of(st.none(), st.sampled_from([Decimal(0), Decimal("0.25"), Decimal(5)]))
_MAYBE = st.one_of(st.none(), TEXTS)
_JSON = st.one_of(
    TEXTS,
    st.integers(-3, 12),
    st.booleans(),
    st.floats(-5, 5).map(lambda x: round(x, 3)),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(st.sampled_from(["b", "n"]), TEXTS, max_size=2),
)
_METADATA = st.dictionaries(st.one_of(KEYS, st.just("a")), _JSON, max_size=3)
_TAGS = st.lists(TEXTS, max_size=2, unique=True)


@dataclass
class World:
    """All rows of one project."""

    traces: list[Row] = field(default_factory=list)
    spans: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    scores: list[Row] = field(default_factory=list)
    comments: list[Row] = field(default_factory=list)
    bookmarks: list[Row] = field(default_factory=list)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Return a random project of a few traces."""
    world = World()
    for number in range(draw(st.integers(1, 4))):
        _add_trace(draw, world, f"t{number}")
    for session in sorted({row["session_id"] for row in world.traces if row["session_id"]}):
        world.sessions.append(_session(draw, world, session))
    return world


def bare_trace(trace_id: str) -> Row:
    """Return a trace with only the columns that every trace has."""
    row = {"project_id": PROJECT, "trace_id": trace_id, "name": "a", "status": "completed"}
    return {**row, "start_time": NOW, "end_time": NOW}


def bare_span(trace_id: str, span_id: str) -> Row:
    """Return a root span with only the columns that every span has."""
    row = {"project_id": PROJECT, "trace_id": trace_id, "span_id": span_id, "name": "a"}
    row |= {"kind": "span", "status": "completed", "level": "default"}
    return {**row, "parent_span_id": None, "start_time": NOW, "placeholder": False}


def _add_trace(draw: st.DrawFn, world: World, trace_id: str) -> None:
    start = draw(_STARTS)
    trace: Row = {
        "project_id": PROJECT,
        "trace_id": trace_id,
        "name": draw(TEXTS),
        "status": draw(st.sampled_from(STATUSES)),
        "start_time": start,
        "end_time": start + timedelta(microseconds=draw(_LENGTHS)),
        "environment": draw(TEXTS),
        "session_id": draw(st.one_of(st.none(), st.sampled_from(["s a", "ab"]))),
        "tags": draw(_TAGS),
        "metadata": draw(_METADATA),
        "models": draw(st.dictionaries(TEXTS, st.integers(1, 3), max_size=2)),
        "kinds": draw(st.dictionaries(st.sampled_from(KINDS), st.integers(1, 3), max_size=2)),
        "usage": draw(st.dictionaries(KEYS, st.integers(0, 5), max_size=2)),
        "total_cost": draw(_COSTS),
    }
    for name in ("user_id", "release", "version", "input_preview", "output_preview"):
        trace[name] = draw(_MAYBE)
    trace["error_message"] = draw(_MAYBE)
    for name in ("span", "flagged", "unpriced"):
        trace[f"{name}_count"] = draw(_COUNTS)
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        trace[name] = draw(_TOKENS)
    world.traces.append(trace)
    ids = [f"{trace_id}-{number}" for number in range(draw(st.integers(0, 4)))]
    spans = [_span(draw, trace, span_id, ids) for span_id in ids]
    world.spans += spans
    for level in ("error", "warning"):
        trace[f"{level}_count"] = sum(
            span["level"] == level and not span["placeholder"] for span in spans
        )
    _annotate(draw, world, trace_id, ids)


def _span(draw: st.DrawFn, trace: Row, span_id: str, ids: list[str]) -> Row:
    start = draw(_STARTS)
    length = draw(st.one_of(st.none(), _LENGTHS))
    first = draw(st.one_of(st.none(), _LENGTHS))
    earlier = ids[: ids.index(span_id)]
    level = draw(st.sampled_from(LEVELS))
    span: Row = {
        "project_id": PROJECT,
        "trace_id": trace["trace_id"],
        "span_id": span_id,
        "parent_span_id": draw(st.sampled_from([None, *earlier])),
        "kind": draw(st.sampled_from(KINDS)),
        "name": draw(TEXTS),
        # As the writer has it: a span has failed by its level alone.
        "status": "error" if level == "error" else "running" if length is None else "completed",
        "level": level,
        "start_time": start,
        "end_time": None if length is None else start + timedelta(microseconds=length),
        "first_token_time": None if first is None else start + timedelta(microseconds=first),
        "total_cost": draw(_COSTS),
        "flags": draw(st.one_of(st.none(), _TAGS)),
        "placeholder": draw(st.integers(0, 5)) == 0,
        "prompt_version": draw(st.one_of(st.none(), _COUNTS)),
        "metadata": draw(st.one_of(st.none(), _METADATA)),
        "attributes": draw(st.one_of(st.none(), _METADATA)),
        "usage": draw(st.one_of(st.none(), st.dictionaries(KEYS, st.integers(0, 5), max_size=2))),
        "finish_reasons": draw(st.one_of(st.none(), _TAGS)),
    }
    for name in ("status_message", "model", "provider", "prompt_name"):
        span[name] = draw(_MAYBE)
    for name in ("input", "output"):
        # The driver of the tests escapes other characters in JSON, which Tracer's writer does not.
        text = draw(_MAYBE)
        span[name] = text.encode("ascii", "ignore").decode() if text else None
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        span[name] = draw(_TOKENS)
    return span


def _annotate(draw: st.DrawFn, world: World, trace_id: str, ids: list[str]) -> None:
    key = {"project_id": PROJECT, "trace_id": trace_id}
    for number in range(draw(st.integers(0, 2))):
        data_type = draw(st.sampled_from(["numeric", "boolean", "categorical"]))
        text = draw(TEXTS) if data_type == "categorical" else None
        score: Row = {**key, "score_id": f"{number}", "name": draw(KEYS), "data_type": data_type}
        score |= {"span_id": draw(st.sampled_from([None, *ids])), "session_id": None}
        score |= {"string_value": text, "source": "API", "time": NOW}
        score["value"] = None if text else draw(st.sampled_from([0.0, 1.0, 0.25, 5.0]))
        world.scores.append(score)
    if draw(st.booleans()):
        span_id = draw(st.sampled_from([None, *ids]))
        comment = {**key, "comment_id": "c", "text": draw(TEXTS), "span_id": span_id}
        world.comments.append({**comment, "session_id": "", "author": None})
    if draw(st.booleans()):
        world.bookmarks.append({**key, "session_id": "", "author": None})


def _session(draw: st.DrawFn, world: World, session_id: str) -> Row:
    rows = [row for row in world.traces if row["session_id"] == session_id]
    if draw(st.booleans()):
        score: Row = {"project_id": PROJECT, "trace_id": "", "score_id": f"of {session_id}"}
        score |= {"span_id": None, "session_id": session_id, "name": draw(KEYS), "value": 1.0}
        score |= {"data_type": "numeric", "string_value": None, "source": "API", "time": NOW}
        world.scores.append(score)
    return {
        "project_id": PROJECT,
        "session_id": session_id,
        "start_time": min(row["start_time"] for row in rows),
        "end_time": max(row["end_time"] for row in rows),
        "trace_count": len(rows),
        "error_count": sum(row["status"] == "error" for row in rows),
        "running_count": sum(row["status"] == "running" for row in rows),
        "span_count": draw(_COUNTS),
        "total_tokens": draw(_TOKENS),
        "total_cost": draw(_COSTS),
    }


TABLES = (
    "traces",
    "trace_payloads",
    "spans",
    "span_payload_rows",
    "sessions",
    "scores",
    "comments",
    "bookmarks",
)


def store(world: World) -> None:
    """Replace all rows of these tables by those of the world, in the session's transaction."""
    for name in TABLES:
        table: sa.Table = getattr(schema, name)
        db.session.execute(table.delete())
        source = {"span_payload_rows": "spans", "trace_payloads": "traces"}.get(name, name)
        for row in getattr(world, source):
            db.session.execute(table.insert(), _of_table(table, row))
    # As the writer does: traces that are not in the index of texts yet are searched directly.
    db.session.execute(schema.text_due.delete())
    for row in world.traces:
        db.session.execute(schema.text_due.insert(), _of_table(schema.text_due, row))


def _of_table(table: sa.Table, row: Row) -> Row:
    # A None in a JSON column would be stored as JSON's null.
    return {name: value for name, value in row.items() if name in table.c and value is not None}
