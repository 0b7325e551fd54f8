"""Reads model calls with inputs, outputs and totals, for `tracer.analysis.context`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.context.calls import Call, CallReader
from tracer.analysis.context.compare import Context, compare
from tracer.analysis.context.totals import ContextTotals, context_totals
from tracer.extensions import db
from tracer.pricing.list_prices import list_rates
from tracer.pricing.price_book import COMPUTED
from tracer.pricing.rates import price_of
from tracer.records import Json, decimals
from tracer.store import thresholds
from tracer.store.parts.assemble import Assembler
from tracer.store.parts.columns import bit
from tracer.store.traces.span_detail import SpanDetail, assembler
from tracer.times import to_micros

_MAX_CALLS: Final = 8
"""Earlier calls that are compared: where agents alternate, the last may be of another agent."""
_MAX_SPANS: Final = 2_000
"""Spans below one parent that are searched for earlier calls: those that start just before."""
_MAX_CALLS_IN_TOTALS: Final = 500
"""Calls over which totals are computed; of more there are no totals."""
_MAX_UNDIVIDED_BYTES: Final = 4_000_000
"""The limit on the compressed size of the values that are not divided into parts."""
_MAX_PART_BYTES: Final = 16_000_000

# The columns of a call, from `spans s` and `span_payload_rows payload`.
_COLUMNS: Final = """s.trace_id, s.span_id, s.name, s.model, s.start_time, s.input_tokens,
    s.total_cost, payload.split, payload.input, payload.tools, payload.output,
    payload.usage, payload.cost, payload.cost_source, payload.provider"""
# The size of the values that are not divided into parts.
_UNDIVIDED_SIZE: Final = " + ".join(
    f"CASE WHEN payload.split & {bit(name)} <> 0 THEN 0"
    f" ELSE coalesce(pg_column_size(payload.{name}), 0) END"
    for name in ("input", "tools", "output")
)

# In a large trace only spans near in the tree are looked at, so that its size does not matter:
# those below the same parent, or below one of the parent's siblings.
_NEARBY_PARENTS: Final = """
    SELECT CAST(:parent AS text) AS span_id
    UNION (
        SELECT s.span_id FROM spans parent JOIN spans s
            ON s.project_id = parent.project_id AND s.trace_id = parent.trace_id
            AND s.parent_span_id = parent.parent_span_id AND s.start_time <= :start
        WHERE parent.project_id = :project AND parent.trace_id = :trace
            AND parent.span_id = :parent
        ORDER BY s.parent_span_id DESC, s.start_time DESC, s.span_id DESC LIMIT 50
    )
"""
_NEAR_CALLS: Final = f"""
    WITH near (span_id) AS ({_NEARBY_PARENTS}), calls AS (
        SELECT s.* FROM near n CROSS JOIN LATERAL (
            SELECT * FROM spans s
            WHERE s.project_id = :project AND s.trace_id = :trace AND {{below}}
                AND (s.start_time, s.span_id) <= (:start, :span)
            ORDER BY s.parent_span_id DESC, s.start_time DESC, s.span_id DESC LIMIT {_MAX_SPANS}
        ) s
        WHERE s.kind = 'generation' AND s.model IS NOT DISTINCT FROM :model AND NOT s.placeholder
        ORDER BY s.start_time DESC, s.span_id DESC LIMIT {_MAX_CALLS} + 1
    )
"""  # noqa: S608 - composed of constants; values are bound
# Frameworks put each call below several levels of steps.
_CALLS_ANYWHERE: Final = f"""
    WITH calls AS (
        SELECT * FROM spans s WHERE s.project_id = :project AND s.trace_id = :trace
            AND s.kind = 'generation' AND s.model IS NOT DISTINCT FROM :model AND NOT s.placeholder
            AND (s.start_time, s.span_id) <= (:start, :span)
        ORDER BY s.start_time DESC, s.span_id DESC LIMIT {_MAX_CALLS} + 1
    )
"""  # noqa: S608 - composed of constants; values are bound
_EARLIER: Final = f"""
    {{calls}}, sized AS (
        SELECT {_COLUMNS},
            sum({_UNDIVIDED_SIZE}) OVER (ORDER BY s.start_time DESC, s.span_id DESC) AS size
        FROM calls s JOIN span_payload_rows payload USING (project_id, trace_id, span_id)
    )
    SELECT * FROM sized WHERE size <= {_MAX_UNDIVIDED_BYTES} ORDER BY start_time, span_id
"""  # noqa: S608 - composed of constants; values are bound
_BELOW: Final = "s.parent_span_id = n.span_id"
_ROOTS: Final = "s.parent_span_id IS NULL"
_EARLIER_BELOW: Final = sa.text(_EARLIER.format(calls=_NEAR_CALLS.format(below=_BELOW)))
_EARLIER_ROOTS: Final = sa.text(_EARLIER.format(calls=_NEAR_CALLS.format(below=_ROOTS)))
_EARLIER_ANYWHERE: Final = sa.text(_EARLIER.format(calls=_CALLS_ANYWHERE))
_SPAN_COUNT: Final = sa.text("""
    SELECT span_count FROM traces WHERE project_id = :project AND trace_id = :trace
""")

_TOTALS: Final = f"""
    WITH calls AS ({{calls}} LIMIT {_MAX_CALLS_IN_TOTALS + 1})
    SELECT {_COLUMNS},
        sum({_UNDIVIDED_SIZE}) OVER (ORDER BY s.start_time, s.trace_id, s.span_id) AS size
    FROM calls s JOIN span_payload_rows payload USING (project_id, trace_id, span_id)
    ORDER BY s.start_time, s.trace_id, s.span_id
"""  # noqa: S608 - composed of constants; values are bound
_HAS_TOKENS: Final = "s.kind = 'generation' AND NOT s.placeholder AND s.input_tokens IS NOT NULL"
# In the order of `ix_spans_tree`, see `tests/store/test_bounded_reads.py`.
_CALLS_OF_TRACE: Final = f"""
    SELECT * FROM spans s WHERE s.project_id = :project AND s.trace_id = :trace AND {_HAS_TOKENS}
    ORDER BY s.parent_span_id, s.start_time, s.span_id
"""  # noqa: S608 - composed of constants; values are bound
_CALLS_OF_SESSION: Final = f"""
    SELECT s.* FROM (
        SELECT project_id, trace_id FROM traces
        WHERE project_id = :project AND session_id = :session
        ORDER BY start_time, trace_id LIMIT {_MAX_CALLS_IN_TOTALS + 1}
    ) t CROSS JOIN LATERAL (
        SELECT * FROM spans s
        WHERE s.project_id = t.project_id AND s.trace_id = t.trace_id AND {_HAS_TOKENS}
        ORDER BY s.parent_span_id, s.start_time, s.span_id LIMIT {_MAX_CALLS_IN_TOTALS + 1}
    ) s
"""  # noqa: S608 - composed of constants; values are bound
_OF_TRACE: Final = sa.text(_TOTALS.format(calls=_CALLS_OF_TRACE))
_OF_SESSION: Final = sa.text(_TOTALS.format(calls=_CALLS_OF_SESSION))


def read_context_totals(
    project_id: str, trace_id: str, connection: sa.Connection | None = None
) -> ContextTotals:
    """Return the sums over a trace's model calls, read by the session or another connection.

    They are empty, with `left_out`, for a trace of more than 500 calls, or with inputs of more
    than 16 MB of different parts or about 12 MB that are stored whole.
    """
    return _totals(project_id, _OF_TRACE, {"trace": trace_id}, connection)


def read_session_totals(project_id: str, session_id: str) -> ContextTotals:
    """Return the sums over the model calls of all traces of a session, with the same limits."""
    return _totals(project_id, _OF_SESSION, {"session": session_id})


def read_calls(project_id: str, trace_id: str) -> list[Call] | None:
    """Return a trace's model calls in the order of time; None: they are beyond the limits."""
    return _calls(project_id, _OF_TRACE, {"trace": trace_id})


def read_context(
    project_id: str,
    span: SpanDetail,
    parts: Assembler | None = None,
    reader: CallReader | None = None,
    *,
    span_count: int | None = None,
) -> Context | None:
    """Compare a generation's input with the calls before it in its trace.

    ``parts``: those that were read with the span. ``reader`` keeps the messages that were read.
    ``span_count``: the trace's, where it is known. None:
    the span is no model call with messages, no call came before, or inputs are too large.
    """
    if span.kind != "generation" or span.placeholder or span.input is None:
        return None
    values = {
        "project": project_id,
        "trace": span.trace_id,
        "span": span.span_id,
        "parent": span.parent_span_id,
        "start": span.start_time,
        "model": span.model,
    }
    if span_count is None:
        span_count = db.session.execute(_SPAN_COUNT, values).scalar_one_or_none()
    if span_count is not None and span_count <= thresholds.MAX_SPANS_WITH_ALL_CALLS:
        query = _EARLIER_ANYWHERE
    else:
        query = _EARLIER_ROOTS if span.parent_span_id is None else _EARLIER_BELOW
    rows = db.session.execute(query, values).all()
    # The span itself is read again, so that its messages are the same objects as those before.
    if len(rows) < 2 or rows[-1].span_id != span.span_id:
        return None
    calls = _calls_of_rows(rows, parts or assembler(project_id), with_outputs=False)
    return compare(calls[-1], calls[:-1], reader) if calls else None


def _totals(
    project_id: str,
    query: sa.TextClause,
    values: dict[str, Any],
    connection: sa.Connection | None = None,
) -> ContextTotals:
    calls = _calls(project_id, query, values, connection)
    return ContextTotals(left_out=True) if calls is None else context_totals(calls)


def _calls(
    project_id: str,
    query: sa.TextClause,
    values: dict[str, Any],
    connection: sa.Connection | None = None,
) -> list[Call] | None:
    rows = (connection or db.session).execute(query, values | {"project": project_id}).all()
    # Sums over a part of the calls would mislead.
    if len(rows) > _MAX_CALLS_IN_TOTALS or (rows and rows[-1].size > _MAX_UNDIVIDED_BYTES):
        return None
    return _calls_of_rows(rows, assembler(project_id, connection), with_outputs=True)


def _calls_of_rows(
    rows: Sequence[Any], parts: Assembler, *, with_outputs: bool
) -> list[Call] | None:
    """Return rows as calls; None: their parts are too long."""
    names = ("input", "tools", "output") if with_outputs else ("input", "tools")
    split = [
        (row.trace_id, getattr(row, name))
        for row in rows
        for name in names
        if (row.split or 0) & bit(name)
    ]
    if not parts.load(split, _MAX_PART_BYTES):
        return None

    def value(row: Any, name: str) -> Json:
        stored = getattr(row, name)
        return parts.value(row.trace_id, stored) if (row.split or 0) & bit(name) else stored

    reports_cache = any("cache_read" in _usage(row) for row in rows)
    return [
        _call(
            row,
            reports_cache,
            value(row, "input"),
            value(row, "tools"),
            value(row, "output") if with_outputs else None,
        )
        for row in rows
    ]


def _usage(row: Any) -> dict[str, int]:
    return row.usage or {}


def _call(span: Any, reports_cache: bool, input: Json, tools: Json, output: Json) -> Call:
    usage, cost = _usage(span), decimals(span.cost)
    prices = {name: cost[name] / usage[name] for name in cost if usage.get(name)}
    if "input" in prices and "cache_read" not in prices and span.cost_source == COMPUTED:
        rates = list_rates(span.model, span.provider, to_micros(span.start_time))
        listed = price_of(rates.prices(span.input_tokens or 0), "cache_read") if rates else None
        if listed is not None:
            prices["cache_read"] = listed / 1_000_000
    return Call(
        trace_id=span.trace_id,
        span_id=span.span_id,
        name=span.name,
        model=span.model,
        start_time=span.start_time,
        input=input,
        tools=tools if isinstance(tools, list) else [],
        output=output,
        input_tokens=span.input_tokens,
        # The usage of a call that read nothing from the cache often has no number for it.
        cache_read=usage.get("cache_read", 0) if reports_cache else None,
        input_price=prices.get("input"),
        cache_read_price=prices.get("cache_read"),
        cost=span.total_cost,
    )
