"""Reads the model calls that came before a generation, for `tracer.analysis.context`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.context.calls import Call
from tracer.analysis.context.compare import Context, compare
from tracer.analysis.context.totals import ContextTotals, add_up
from tracer.extensions import db
from tracer.records import decimals
from tracer.store.parts.columns import weight
from tracer.store.traces.span_detail import SpanDetail

_MOST_CALLS: Final = 8
"""Earlier calls that are compared: agents take turns, so the last one need not be its own."""
_MOST_BYTES: Final = 2_000_000
"""About the compressed size of their payloads together."""
_MOST_SPANS: Final = 2_000
"""Spans below one parent that are searched for earlier calls: those that start just before."""

# Only spans near in the tree are looked at, so that the size of the trace does not matter: those
# below the same parent, or below one of its siblings.
_NEAR: Final = """
    SELECT CAST(:parent AS text) AS span_id
    UNION (
        SELECT s.span_id FROM spans p JOIN spans s
            ON s.project_id = p.project_id AND s.trace_id = p.trace_id
            AND s.parent_span_id = p.parent_span_id AND s.start_time <= :start
        WHERE p.project_id = :project AND p.trace_id = :trace AND p.span_id = :parent
        ORDER BY s.parent_span_id DESC, s.start_time DESC, s.span_id DESC LIMIT 50
    )
"""
_EARLIER: Final = f"""
    WITH near (span_id) AS ({_NEAR}), calls AS (
        SELECT s.span_id, s.name, s.start_time FROM near n CROSS JOIN LATERAL (
            SELECT * FROM spans s
            WHERE s.project_id = :project AND s.trace_id = :trace AND {{below}}
                AND (s.start_time, s.span_id) < (:start, :span)
            ORDER BY s.parent_span_id DESC, s.start_time DESC, s.span_id DESC LIMIT {_MOST_SPANS}
        ) s
        WHERE s.kind = 'generation' AND s.model IS NOT DISTINCT FROM :model AND NOT s.placeholder
        ORDER BY s.start_time DESC, s.span_id DESC LIMIT {_MOST_CALLS}
    ), sized AS (
        SELECT c.*, sum(coalesce({weight("p", "input")}, 0) + coalesce({weight("p", "tools")}, 0))
            OVER (ORDER BY c.start_time DESC, c.span_id DESC) AS size
        FROM calls c JOIN span_payload_rows p
            ON p.project_id = :project AND p.trace_id = :trace AND p.span_id = c.span_id
    )
    SELECT z.span_id, z.name, z.start_time, p.input, p.tools, p.usage
    FROM sized z JOIN span_payloads p
        ON p.project_id = :project AND p.trace_id = :trace AND p.span_id = z.span_id
    WHERE z.size <= {_MOST_BYTES}
    ORDER BY z.start_time, z.span_id
"""  # noqa: S608 - composed of constants; values are bound
_EARLIER_BELOW: Final = sa.text(_EARLIER.format(below="s.parent_span_id = n.span_id"))
_EARLIER_ROOTS: Final = sa.text(_EARLIER.format(below="s.parent_span_id IS NULL"))


_MOST_IN_TOTALS: Final = 300
_MOST_TOTAL_BYTES: Final = 4_000_000
# Read only if all calls of the trace fit: sums over a part of them would mislead.
_OF_TRACE: Final = sa.text(f"""
    WITH calls AS (
        SELECT s.span_id, s.name, s.model, s.start_time, s.input_tokens,
            coalesce({weight("p", "input")}, 0) + coalesce({weight("p", "tools")}, 0) AS size
        FROM spans s JOIN span_payload_rows p USING (project_id, trace_id, span_id)
        WHERE s.project_id = :project AND s.trace_id = :trace AND s.kind = 'generation'
            AND NOT s.placeholder AND s.input_tokens IS NOT NULL
        LIMIT {_MOST_IN_TOTALS + 1}
    ), fitting AS (
        SELECT count(*) <= {_MOST_IN_TOTALS} AND sum(size) <= {_MOST_TOTAL_BYTES} AS fits FROM calls
    )
    SELECT c.span_id, c.name, c.model, c.start_time, c.input_tokens, p.input, p.tools, p.usage,
        p.cost
    FROM calls c JOIN fitting ON fits JOIN span_payloads p
        ON p.project_id = :project AND p.trace_id = :trace AND p.span_id = c.span_id
    ORDER BY c.start_time, c.span_id
""")  # noqa: S608 - composed of constants; values are bound


def read_context_totals(project_id: str, trace_id: str) -> ContextTotals:
    """Return the sums over a trace's model calls.

    They are empty for a trace of more than 300 calls or with more than about 12 MB of inputs.
    """
    rows = db.session.execute(_OF_TRACE, {"project": project_id, "trace": trace_id}).all()
    reports_cache = any("cache_read" in (row.usage or {}) for row in rows)
    return add_up(
        (
            row.model,
            _measured(row, row.input_tokens, row.usage or {}, decimals(row.cost), reports_cache),
        )
        for row in rows
    )


def read_context(project_id: str, span: SpanDetail) -> Context | None:
    """Compare a generation's input with the calls before it in its trace.

    None: it is no model call with messages, or none came before.
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
    query = _EARLIER_ROOTS if span.parent_span_id is None else _EARLIER_BELOW
    rows = db.session.execute(query, values).all()
    usages = [span.usage, *(row.usage or {} for row in rows)]
    reports_cache = any("cache_read" in usage for usage in usages)
    earlier = [
        Call(
            span_id=row.span_id,
            name=row.name,
            start_time=row.start_time,
            input=row.input,
            tools=row.tools or [],
        )
        for row in rows
    ]
    call = _measured(span, span.input_tokens, span.usage, span.cost, reports_cache)
    return compare(call, earlier)


def _measured(
    span: Any,
    input_tokens: int | None,
    usage: dict[str, int],
    cost: dict[str, Decimal],
    reports_cache: bool,
) -> Call:
    def price(bucket: str) -> Decimal | None:
        tokens = usage.get(bucket)
        return cost[bucket] / tokens if tokens and bucket in cost else None

    return Call(
        span_id=span.span_id,
        name=span.name,
        start_time=span.start_time,
        input=span.input,
        tools=span.tools or [],
        input_tokens=input_tokens,
        # A call that read nothing from the cache often lacks the number.
        cache_read=usage.get("cache_read", 0) if reports_cache else None,
        input_price=price("input"),
        cache_read_price=price("cache_read"),
    )
