"""Reads one span with its payload, and the parts that payloads of many spans have in common."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.records import Json, decimals
from tracer.store.database.keys import columns_of
from tracer.store.parts.assemble import Assembler, PartKey
from tracer.store.parts.columns import PROJECT_COLUMNS, SPLIT_COLUMNS, bit
from tracer.store.schema import prices, span_payload_rows, spans
from tracer.store.traces.span_tree import COLUMNS, OF_TRACE, SpanRow


@dataclass(kw_only=True, slots=True)
class SpanDetail(SpanRow):
    """A span with its payload."""

    requested_model: str | None
    provider: str | None
    model_parameters: dict[str, Json]
    usage: dict[str, int]
    cost: dict[str, Decimal]
    cost_source: str | None
    priced_by: str | None
    price_model: str | None
    """The model pattern of the project price that priced the span."""
    tools: list[Json]
    finish_reasons: list[str]
    prompt_name: str | None
    prompt_version: int | None
    input: Json
    output: Json
    metadata: dict[str, Json]
    attributes: dict[str, Json]
    events: list[Json]
    links: list[Json]
    resource: dict[str, Json]
    scope: dict[str, Json]
    dialect: str | None
    claimed: list[str]
    """Names of the sent attributes that were mapped to fields (consumed by the mapping)."""
    notes: dict[str, Json]
    sent_parent_id: str | None
    """The parent id as sent, where the tree could not follow it (a cycle)."""


WIDE: Final = tuple(
    name
    for name in SpanDetail.__dataclass_fields__
    if name not in SpanRow.__dataclass_fields__ and name != "price_model"
)
BESIDE_MESSAGES: Final = tuple(
    name
    for name in WIDE
    if name not in ("metadata", "attributes", "links", "resource", "scope", "claimed")
)
"""The columns of what a span's panel shows of most tabs."""
_NO_LIMIT: Final = 1 << 40
# OFFSET keeps each lookup a subquery: a join may be planned as a scan of all parts.
_PARTS: Final = sa.text("""
    SELECT trace_id, hash, text FROM (
        SELECT k.trace_id, k.hash, p.text, sum(octet_length(p.text)) OVER (ORDER BY k.number) AS sum
        FROM unnest(CAST(:traces AS text[]), CAST(:hashes AS bytea[]))
            WITH ORDINALITY k (trace_id, hash, number)
        CROSS JOIN LATERAL (
            SELECT p.text FROM parts p
            WHERE p.project_id = :project AND p.trace_id = k.trace_id AND p.hash = k.hash OFFSET 0
        ) p
    ) summed WHERE sum <= :max_bytes
""")
_OBJECTS = ("model_parameters", "usage", "cost", "metadata", "attributes", "resource", "scope")


def assembler(
    project_id: str, connection: sa.Connection | None = None, max_bytes: int = _NO_LIMIT
) -> Assembler:
    """Return an assembler of a project's payloads that reads at most that many bytes of parts."""
    return Assembler(partial(_fetch, project_id, connection), max_bytes)


def _fetch(
    project_id: str, connection: sa.Connection | None, keys: list[PartKey], max_bytes: int
) -> list[Any]:
    traces, hashes = columns_of(keys, 2)
    values = {"project": project_id, "traces": traces, "hashes": hashes, "max_bytes": max_bytes}
    return list((connection or db.session).execute(_PARTS, values))


@lru_cache
def _detail_query(columns: tuple[str, ...]) -> sa.Select[Any]:
    rows = span_payload_rows
    same = sa.and_(
        rows.c.project_id == spans.c.project_id,
        rows.c.trace_id == spans.c.trace_id,
        rows.c.span_id == spans.c.span_id,
    )
    its_price = sa.and_(
        prices.c.project_id == spans.c.project_id,
        prices.c.price_id == rows.c.priced_by,
    )
    wide = [rows.c[name] for name in (*columns, "split")]
    return (
        sa.select(*COLUMNS, *wide, prices.c.model.label("price_model"))
        .select_from(spans.outerjoin(rows, same).outerjoin(prices, its_price))
        .where(*OF_TRACE, spans.c.span_id == sa.bindparam("span_id"))
    )


def get_span(
    project_id: str,
    trace_id: str,
    span_id: str,
    columns: tuple[str, ...] = WIDE,
    parts: Assembler | None = None,
) -> SpanDetail | None:
    """Return one span with its payload; None: no such span. A placeholder has no payload.

    Of its payload only these ``columns`` are read, the others are empty. ``parts`` gets the parts
    that the span refers to, for readers of further spans.
    """
    values = {"project_id": project_id, "trace_id": trace_id, "span_id": span_id}
    row = db.session.execute(_detail_query(columns), values).mappings().one_or_none()
    return _detail(row, parts or assembler(project_id)) if row is not None else None


def _detail(row: sa.RowMapping, parts: Assembler) -> SpanDetail:
    values: dict[str, Any] = dict.fromkeys(WIDE) | dict(row)
    split = values.pop("split") or 0
    skeletons = {
        name: ("" if name in PROJECT_COLUMNS else row["trace_id"], row[name])
        for name in SPLIT_COLUMNS
        if split & bit(name) and name in row
    }
    parts.load(skeletons.values())
    for name, skeleton in skeletons.items():
        values[name] = parts.value(*skeleton)
    for name in _OBJECTS:
        values[name] = values[name] or {}
    for name in ("events", "links", "tools", "finish_reasons", "claimed"):
        values[name] = values[name] or []
    values["notes"] = values["notes"] or {}
    values["cost"] = decimals(values["cost"])
    return SpanDetail(**values)
