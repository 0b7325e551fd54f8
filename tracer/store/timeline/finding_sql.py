"""The columns and joins that findings need; used by the reader and by the worker."""

from __future__ import annotations

from typing import Final

from tracer.store.parts.columns import assembled, weight

_TEXT_BYTES: Final = 1_000_000

# Reads only payloads that a finding can use: inputs of tools, and outputs of generations that were
# offered tools. The columns are the fields of analysis.findings.FindingSpan; `p` are the rows of
# `span_payload_rows`.
_NARROW: Final = """
    s.span_id, s.parent_span_id, s.kind, s.name, s.level,
    (extract(epoch FROM s.start_time) * 1000000)::bigint AS start,
    (extract(epoch FROM s.end_time) * 1000000)::bigint AS "end"
"""
NEEDS_INPUT: Final = "s.kind IN ('tool', 'function')"
NEEDS_OUTPUT: Final = "s.kind = 'generation' AND p.tools IS NOT NULL"
FINDING_COLUMNS: Final = f"""{_NARROW},
    CASE WHEN {NEEDS_INPUT} AND {weight("p", "input")} < {_TEXT_BYTES}
        THEN {assembled("p", "input")} END AS input,
    CASE WHEN {NEEDS_OUTPUT} AND {weight("p", "output")} < {_TEXT_BYTES}
        THEN {assembled("p", "output")} END AS output,
    CASE WHEN {NEEDS_OUTPUT} THEN {assembled("p", "tools")} END AS tools, p.finish_reasons,
    left(s.status_message, 1000) AS message, s.total_cost AS cost
"""
