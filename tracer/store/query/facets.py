"""Counts the values of a selection's fields for facets and completion, over its latest rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from tracer.extensions import db
from tracer.query.fields import Grain
from tracer.store.database.session import within
from tracer.store.query.matches import matches_prefix
from tracer.store.query.ranges import RANGES, counts_of, range_column, slot_of
from tracer.store.query.selection import Selection, kept_statement
from tracer.store.query.source import Table
from tracer.store.query.terms import json_text
from tracer.store.schema import scores, sessions, spans, trace_payloads, traces

SECONDS: Final = 5
MAX_TRACES: Final = 20_000
"""Number of latest traces whose values are counted, so that a facet takes no longer than this."""
MAX_ROWS: Final = {Grain.TRACE: MAX_TRACES, Grain.SPAN: 20_000, Grain.SESSION: 3_000}
"""Number of latest rows by grain; a session has the values of all its traces."""
MAX_VERIFIED: Final = 2_000
"""Number of latest traces whose spans are read for a query that needs them."""
MAX_SEARCHED: Final = 250
"""Number of latest traces whose texts are read."""
MAX_VALUES: Final = 8
MAX_COMPLETIONS: Final = 12
FACETS: Final = {
    "status": "status",
    "name": "name",
    "model": "models",
    "env": "environment",
    "user": "user_id",
    "tag": "tags",
    "release": "release",
    "session": "session_id",
    "version": "version",
}
"""Columns of traces by the fields whose values can be counted."""
SPAN_FACETS: Final = {
    "kind": "kind",
    "name": "name",
    "model": "model",
    "status": "status",
    "level": "level",
}
"""Columns of spans by the fields whose values can be counted."""

_FEW_VALUES: Final = ("status", "kind", "level", "env", *RANGES)
"""Fields of so few values that rows are counted by all of them at once."""


class Value(NamedTuple):
    """A value of a field, and how many rows (traces, or whatever is listed) have it."""

    text: str
    traces: int


class _Latest(NamedTuple):
    """The latest rows of a selection; those whose spans or texts were read for it, if any."""

    rows: sa.CTE
    candidates: sa.CTE | None = None
    max_candidates: int = 0
    """The limit of the candidates; 0: no limit."""


class Facets(NamedTuple):
    """The most frequent values by field; ``rows`` traces were counted, all if not ``partial``."""

    values: dict[str, list[Value]]
    rows: int
    partial: bool


def count_facets(
    project_id: str, selection: Selection, fields: Sequence[str], grain: Grain = Grain.TRACE
) -> Facets:
    """Return the most frequent values of fields among the rows of a selection; raises TooSlow.

    ``fields`` are keys of `FACETS`, for spans of `SPAN_FACETS`, or of `RANGES`, whose values are
    ranges in ascending order. A session has the values of its traces.
    """
    statement, max_candidates = _facets_statement(project_id, selection, tuple(fields), grain)
    values: dict[str, list[Value]] = {field: [] for field in ("", "read", *fields)}
    with within(SECONDS):
        for field, value, count in db.session.execute(statement):
            values[field].append(Value(value, count))
    rows, read = (sum(count for _, count in values.pop(name)) for name in ("", "read"))
    for field in RANGES.keys() & fields:
        slots = {int(slot): count for slot, count in values[field]}
        values[field] = [Value(*pair) for pair in counts_of(field, slots)]
    return Facets(values, rows, rows >= MAX_ROWS[grain] or (0 < max_candidates <= read))


@kept_statement
def _facets_statement(
    project_id: str, selection: Selection, fields: Sequence[str], grain: Grain
) -> tuple[Any, int]:
    """Return the statement of the facets, and the limit of the traces read for it; 0: none."""
    latest, candidates, max_candidates = _latest_rows(project_id, selection, fields, grain)
    parts = [sa.select(sa.literal("").label("field"), sa.null().label("value"), _row_count(latest))]
    if candidates is not None:
        parts.append(sa.select(sa.literal("read"), sa.null(), _row_count(candidates)))
    few = [] if grain is Grain.SESSION else [field for field in fields if field in _FEW_VALUES]
    combined = _combined_counts(latest, few, grain)
    parts += [
        _values_of_combined(combined, field) if field in few else _part(latest, field, grain)
        for field in fields
    ]
    return sa.union_all(*(sa.select(part.subquery()) for part in parts)), max_candidates


def _part(latest: sa.CTE, field: str, grain: Grain) -> sa.Select[Any]:
    """Return the query for the most frequent values of a field, or for the slots of a number."""
    if field not in RANGES:
        return _values(latest, field, grain=grain).limit(MAX_VALUES)
    return _counted(field, _value(latest, field, grain), latest)


def _value(latest: sa.CTE, field: str, grain: Grain) -> Any:
    """Return the value of a field, of a number its slot, as a text."""
    if field in RANGES:
        return sa.cast(slot_of(latest.c[field], field), sa.Text)
    return latest.c[(SPAN_FACETS if grain is Grain.SPAN else FACETS)[field]]


def _combined_counts(latest: sa.CTE, fields: Sequence[str], grain: Grain) -> sa.CTE:
    """Return the number of rows of each combination of values of these fields, in one pass."""
    values = [_value(latest, field, grain).label(field) for field in fields]
    query = sa.select(*values, sa.func.count().label("count"))
    return query.group_by(*(sa.literal_column(str(n + 1)) for n in range(len(values)))).cte("few")


def _values_of_combined(combined: sa.CTE, field: str) -> sa.Select[Any]:
    number = sa.cast(sa.func.sum(combined.c.count), sa.BigInteger)
    query = _counted(field, combined.c[field], combined, number=number)
    return query if field in RANGES else query.limit(MAX_VALUES)


def complete_values(
    project_id: str, selection: Selection, field: str, key: str | None, prefix: str
) -> list[Value]:
    """Return values of a field of traces that begin with a text, the most frequent first.

    ``field`` is a key of `FACETS`, ``metadata`` or ``score`` (with a key). Raises TooSlow.
    """
    if field in FACETS:
        latest = _latest(project_id, selection, [field]).rows
        query = _values(latest, field, prefix)
    elif field == "metadata" and key:
        rows = _payloads(project_id, selection)
        query = _counted(field, json_text(rows.c.metadata, key), rows, prefix)
    elif field == "score" and key:
        value = sa.func.coalesce(scores.c.string_value, sa.cast(scores.c.value, sa.Text))
        query = _counted(field, value, scores, prefix).where(
            scores.c.project_id == project_id, scores.c.name == key
        )
    else:
        return []
    return _read(query)


def complete_span_values(
    project_id: str, selection: Selection, field: str, prefix: str
) -> list[Value]:
    """Return values of a field of spans, a key of `SPAN_FACETS`, that begin with a text.

    Of the latest spans of a selection of spans. Raises TooSlow.
    """
    latest = _latest_rows(project_id, selection, [field], Grain.SPAN).rows
    return _read(_values(latest, field, prefix, Grain.SPAN))


def complete_keys(project_id: str, selection: Selection, field: str, prefix: str) -> list[Value]:
    """Return keys of the metadata, or names of scores, that begin with a text."""
    if field == "score":
        query = _counted(field, scores.c.name, scores, prefix)
        return _read(query.where(scores.c.project_id == project_id))
    if field != "metadata":
        return []
    rows = _payloads(project_id, selection)
    keys = sa.func.jsonb_object_keys(rows.c.metadata).table_valued("value").render_derived()
    key = sa.type_coerce(keys.c.value, sa.Text)
    return _read(_counted(field, key, rows.join(keys, sa.true()), prefix))


def _read(query: sa.Select[Any]) -> list[Value]:
    with within(SECONDS):
        rows = db.session.execute(query.limit(MAX_COMPLETIONS))
        return [Value(value, count) for _, value, count in rows]


def _latest_rows(
    project_id: str, selection: Selection, fields: Sequence[str], grain: Grain
) -> _Latest:
    """Return the latest rows of the selection with the columns of the fields."""
    if grain is Grain.TRACE:
        return _latest(project_id, selection, fields)
    numbers = [field for field in fields if field in RANGES]
    names = [field for field in fields if field not in RANGES]
    if grain is Grain.SPAN:
        columns: list[Any] = [spans.c[SPAN_FACETS[field]] for field in names]
        columns += _numbers(spans, numbers)
        own = (spans.c.project_id == project_id, ~spans.c.placeholder)
        query = sa.select(*columns).where(*own, selection.condition(grain, spans))
        query = query.order_by(spans.c.start_time.desc()).limit(MAX_ROWS[grain])
        return _Latest(query.cte("latest"))
    newest = (
        sa.select(sessions.c.session_id, *_numbers(sessions, numbers))
        .where(sessions.c.project_id == project_id, selection.condition(grain, sessions))
        .order_by(sessions.c.end_time.desc())
        .limit(MAX_ROWS[grain])
        .subquery()
    )
    # Different numbers are counted in half the time of different ids.
    numbered = sa.select(*newest.c, sa.func.row_number().over().label("row_id")).subquery()
    columns = [traces.c[FACETS[field]] for field in names]
    columns += [numbered.c[field] for field in numbers]
    query = (
        sa.select(numbered.c.row_id, *columns)
        .join(numbered, numbered.c.session_id == traces.c.session_id)
        .where(traces.c.project_id == project_id)
    )
    return _Latest(query.cte("latest"))


def _numbers(table: Table, fields: Sequence[str]) -> list[Any]:
    return [range_column(table, field).label(field) for field in fields]


def _latest(project_id: str, selection: Selection, fields: Sequence[str]) -> _Latest:
    """Return the latest traces of the selection; each part of the statement reads them once."""
    numbers = [field for field in fields if field in RANGES]
    names = [FACETS[field] for field in fields if field not in RANGES]
    columns = [traces.c[name] for name in dict.fromkeys(["trace_id", *names])]
    columns += _numbers(traces, numbers)
    chosen, verified = selection.in_steps(traces)
    newest = (traces.c.start_time.desc(), traces.c.trace_id.desc())
    own = (traces.c.project_id == project_id, chosen)
    if verified is None:
        query = sa.select(*columns).where(*own).order_by(*newest)
        return _Latest(query.limit(MAX_TRACES).cte("latest"))
    # The second step may need any column.
    query = sa.select(*traces.c, *_numbers(traces, numbers)).where(*own).order_by(*newest)
    maximum = MAX_SEARCHED if selection.reads_texts else MAX_VERIFIED
    candidates = query.limit(maximum).cte("candidates")
    shown = [candidates.c[column.name] for column in columns]
    return _Latest(sa.select(*shown).where(verified(candidates)).cte("latest"), candidates, maximum)


def _payloads(project_id: str, selection: Selection) -> sa.Subquery:
    """Return the metadata of the latest traces: fewer, since each is read from its own row."""
    latest = _latest(project_id, selection, []).rows
    newest = sa.select(latest.c.trace_id).limit(MAX_TRACES // 16).subquery()
    return (
        sa.select(sa.cast(trace_payloads.c.metadata, JSONB).label("metadata"))
        .join(newest, newest.c.trace_id == trace_payloads.c.trace_id)
        .where(trace_payloads.c.project_id == project_id)
        .subquery()
    )


def _row_count(latest: sa.CTE) -> Any:
    return sa.select(_number(latest)).select_from(latest).scalar_subquery().label("count")


def _number(rows: Any) -> Any:
    """Return the number of rows: of a session, which has one for each trace, one is counted."""
    return sa.func.count(rows.c.row_id.distinct()) if "row_id" in rows.c else sa.func.count()


def _values(
    latest: sa.CTE, field: str, prefix: str = "", grain: Grain = Grain.TRACE
) -> sa.Select[Any]:
    column = latest.c[(SPAN_FACETS if grain is Grain.SPAN else FACETS)[field]]
    if grain is Grain.SPAN or field not in ("tag", "model"):
        return _counted(field, column, latest, prefix)
    function = sa.func.unnest if field == "tag" else sa.func.jsonb_object_keys
    # Among the columns: a join with the function would take twice as long.
    own = [latest.c.row_id] if "row_id" in latest.c else []
    each = sa.select(function(column, type_=sa.Text).label("value"), *own).subquery()
    return _counted(field, each.c.value, each, prefix)


def _counted(
    field: str, value: Any, rows: Any, prefix: str = "", number: Any = None
) -> sa.Select[Any]:
    count = (_number(rows) if number is None else number).label("count")
    query = (
        sa.select(sa.literal(field).label("field"), value.label("value"), count)
        .select_from(rows)
        .where(value.is_not(None), value != "")
        .group_by(value)
        .order_by(count.desc(), value)
    )
    return query.where(matches_prefix(value, prefix)) if prefix else query
