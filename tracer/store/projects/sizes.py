"""The number of rows of a project, and the size of the database on disk by kind of data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from tracer.errors import TooSlow
from tracer.extensions import db
from tracer.store.database.session import within
from tracer.store.schema import traces

_COUNT_SECONDS: Final = 3
_ENVIRONMENTS: Final = 20

_KIND_OF_TABLE: Final = {
    "span_payloads": "payloads",
    "trace_payloads": "payloads",
    "spans": "spans and traces",
    "traces": "spans and traces",
    "sessions": "spans and traces",
    "media": "files",
    "media_chunks": "files",
    "media_uses": "files",
}
_INDEXES: Final = "indexes"
_OTHER: Final = "other"
STORAGE_KINDS: Final = (*dict.fromkeys(_KIND_OF_TABLE.values()), _INDEXES, _OTHER)
"""The kinds of data in the database, in the order in which pages show them."""

_TABLES: Final = sa.text("""
    SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
""")


@dataclass(frozen=True, slots=True)
class ProjectSize:
    """The number of traces and spans of a project, and the time range of its traces."""

    traces: int
    spans: int
    oldest: datetime | None
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class EnvironmentSize:
    """The number of traces and spans of one environment, with their errors and cost."""

    environment: str
    traces: int
    errors: int
    spans: int
    cost: Decimal | None
    newest: datetime


def project_size(project_id: str) -> ProjectSize | None:
    """Return the size of a project; None: counting takes too long."""
    spans = sa.func.coalesce(sa.func.sum(traces.c.span_count), 0)
    start = traces.c.start_time
    query = sa.select(sa.func.count(), spans, sa.func.min(start), sa.func.max(start)).where(
        traces.c.project_id == project_id
    )
    try:
        with within(_COUNT_SECONDS):
            count, span_count, oldest, newest = db.session.execute(query).one()
    except TooSlow:
        return None
    return ProjectSize(count, int(span_count), oldest, newest)


def environment_sizes(project_id: str, since: datetime) -> list[EnvironmentSize] | None:
    """Return the environments of traces since a time, the largest first; None: too many traces."""
    count = sa.func.count()
    query = (
        sa.select(
            traces.c.environment,
            count,
            count.filter(traces.c.status == "error"),
            sa.func.sum(traces.c.span_count),
            sa.func.sum(traces.c.total_cost),
            sa.func.max(traces.c.start_time),
        )
        .where(traces.c.project_id == project_id, traces.c.start_time >= since)
        .group_by(traces.c.environment)
        .order_by(count.desc(), traces.c.environment)
        .limit(_ENVIRONMENTS)
    )
    try:
        with within(_COUNT_SECONDS):
            return [EnvironmentSize(*row) for row in db.session.execute(query)]
    except TooSlow:
        return None


def storage() -> dict[str, int]:
    """Return the bytes on disk of the whole database, by `STORAGE_KINDS`."""
    sizes = dict.fromkeys(STORAGE_KINDS, 0)
    for name, table_bytes, index_bytes in db.session.execute(_TABLES):
        sizes[_KIND_OF_TABLE.get(name, _OTHER)] += table_bytes
        sizes[_INDEXES] += index_bytes
    return sizes
