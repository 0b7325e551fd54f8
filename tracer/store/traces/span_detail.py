"""Reads one span with its payload."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.records import Json, decimals
from tracer.store.schema import prices, span_payloads, spans
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


WIDE = [
    name
    for name in SpanDetail.__dataclass_fields__
    if name not in SpanRow.__dataclass_fields__ and name != "price_model"
]
_OBJECTS = ("model_parameters", "usage", "cost", "metadata", "attributes", "resource", "scope")


def _detail_query() -> sa.Select[Any]:
    same = sa.and_(
        span_payloads.c.project_id == spans.c.project_id,
        span_payloads.c.trace_id == spans.c.trace_id,
        span_payloads.c.span_id == spans.c.span_id,
    )
    its_price = sa.and_(
        prices.c.project_id == spans.c.project_id,
        prices.c.price_id == span_payloads.c.priced_by,
    )
    wide = [span_payloads.c[name] for name in WIDE]
    return (
        sa.select(*COLUMNS, *wide, prices.c.model.label("price_model"))
        .select_from(spans.outerjoin(span_payloads, same).outerjoin(prices, its_price))
        .where(*OF_TRACE, spans.c.span_id == sa.bindparam("span_id"))
    )


_DETAIL: Final = _detail_query()


def get_span(project_id: str, trace_id: str, span_id: str) -> SpanDetail | None:
    """Return one span with its payload; None: no such span. A placeholder has no payload."""
    values = {"project_id": project_id, "trace_id": trace_id, "span_id": span_id}
    row = db.session.execute(_DETAIL, values).mappings().one_or_none()
    return _detail(row) if row is not None else None


def _detail(row: sa.RowMapping) -> SpanDetail:
    values = dict(row)
    for name in _OBJECTS:
        values[name] = values[name] or {}
    for name in ("events", "links", "tools", "finish_reasons", "claimed"):
        values[name] = values[name] or []
    values["notes"] = values["notes"] or {}
    values["cost"] = decimals(values["cost"])
    return SpanDetail(**values)
