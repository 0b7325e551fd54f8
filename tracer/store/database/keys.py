"""Keys of stored traces and spans, and the arrays in which they are bound to statements."""

from __future__ import annotations

from collections.abc import Iterable

TraceKey = tuple[str, str]
"""(project_id, trace_id)"""
SpanKey = tuple[str, str, str]
"""(project_id, trace_id, span_id)"""


def columns_of(keys: Iterable[tuple[str, ...]], width: int) -> list[list[str]]:
    """Turn keys into the parallel arrays that unnest takes."""
    return [list(column) for column in zip(*keys, strict=True)] or [[] for _ in range(width)]
