"""Reads the findings about what the model calls of a trace are sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa

from tracer.analysis.context.totals import compare_all
from tracer.analysis.findings.context_findings import (
    FULL_SHARE,
    LARGE_RESULT,
    MANY_CALLS,
    MIN_UNCACHEABLE,
    FullCall,
    broken_caches,
    full_windows,
    repeated_results,
)
from tracer.analysis.findings.finding import Finding
from tracer.extensions import db
from tracer.pricing.list_prices import context_window
from tracer.store.parts.columns import weight
from tracer.store.traces.model_calls import read_calls

_COMPRESSED_RESULT: Final = LARGE_RESULT
"""Bytes: a text has about three times the bytes of its compressed form, and three a token."""

# A trace without these can have no findings of this kind, so that its calls need not be read.
_CALLS: Final = sa.text("""
    SELECT s.span_id, s.model, s.input_tokens, p.provider,
        CAST(p.usage ->> 'cache_read' AS bigint) AS cache_read
    FROM spans s JOIN span_payload_rows p USING (project_id, trace_id, span_id)
    WHERE s.project_id = :project AND s.trace_id = :trace AND s.kind = 'generation'
        AND NOT s.placeholder AND s.input_tokens IS NOT NULL
    ORDER BY s.start_time, s.span_id
""")
_HAS_LARGE_RESULT: Final = sa.text(f"""
    SELECT EXISTS (
        SELECT FROM spans s JOIN span_payload_rows p USING (project_id, trace_id, span_id)
        WHERE s.project_id = :project AND s.trace_id = :trace AND s.kind IN ('tool', 'function')
            AND {weight("p", "output")} >= {_COMPRESSED_RESULT}
    )
""")  # noqa: S608 - composed of constants; values are bound
_STATE: Final = sa.text("""
    SELECT t.updated_at FROM traces t JOIN trace_payloads p USING (project_id, trace_id)
    WHERE t.project_id = :project AND t.trace_id = :trace AND t.status <> 'running'
        AND p.kinds ->> 'generation' IS NOT NULL
""")


def read_context_findings(project_id: str, trace_id: str) -> tuple[Finding, ...]:
    """Return the findings of a small trace that has ended; of others none."""
    key = {"project": project_id, "trace": trace_id}
    updated_at = db.session.execute(_STATE, key).scalar_one_or_none()
    return () if updated_at is None else _read(project_id, trace_id, updated_at)


@lru_cache(maxsize=500)
def _read(project_id: str, trace_id: str, _updated_at: datetime) -> tuple[Finding, ...]:
    # Every page of a trace shows the number of its findings.
    key = {"project": project_id, "trace": trace_id}
    rows = db.session.execute(_CALLS, key).all()
    findings = list(full_windows(_filled(rows)))
    large = len(rows) > MANY_CALLS and db.session.execute(_HAS_LARGE_RESULT, key).scalar_one()
    if large or _may_have_missed(rows):
        compared = list(compare_all(read_calls(project_id, trace_id) or ()))
        findings = [*broken_caches(compared), *findings, *repeated_results(compared)]
    return tuple(findings)


def _filled(rows: Sequence[Any]) -> list[FullCall]:
    calls = []
    for row in rows:
        window = context_window(row.model, row.provider)
        if window and row.input_tokens >= FULL_SHARE * window:
            calls.append(FullCall(row.span_id, row.model, row.input_tokens / window))
    return calls


def _may_have_missed(rows: Sequence[Any]) -> bool:
    """Return whether a call read less from the cache than most of another call's input."""
    pairs = pairwise(rows)
    return any(
        (now.cache_read or 0) < before.input_tokens / 2
        for before, now in pairs
        if min(before.input_tokens, now.input_tokens) > MIN_UNCACHEABLE
    )
