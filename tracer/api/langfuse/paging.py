"""Lists by page number, as Langfuse's older routes have them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tracer.wire.langfuse.library import PageQuery


def offset_of(query: PageQuery) -> int:
    """Return how many rows come before the page that is asked for."""
    return (query.page - 1) * query.limit


def page(query: PageQuery, rows: Sequence[Any], total: int) -> dict[str, Any]:
    """Return a page with its place among all pages."""
    pages = -(-total // query.limit)
    meta = {
        "page": query.page,
        "limit": query.limit,
        "totalItems": total,
        "totalPages": pages,
    }
    return {"data": list(rows), "meta": meta}


def iso(time: datetime) -> str:
    """Return a time as Langfuse writes it, but to the microsecond: versions are times here."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
