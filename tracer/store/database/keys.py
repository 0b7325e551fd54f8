"""Keys of stored traces and spans, and their form as statement parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

TraceKey = tuple[str, str]
"""(project_id, trace_id)"""
SpanKey = tuple[str, str, str]
"""(project_id, trace_id, span_id)"""


def columns_of(keys: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return keys as ``width`` parallel arrays, as unnest expects them."""
    return [list(column) for column in zip(*keys, strict=True)] or [[] for _ in range(width)]
