"""Reads spans across traces: lists by any field, newest first, and single spans by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from tracer.errors import Invalid
from tracer.extensions import db
from tracer.pricing.rates import Rates
from tracer.records import (
    APP_ROOT,
    INPUT_PREFIXES,
    OWN_ENVIRONMENT,
    OWN_VERSION,
    Json,
    decimals,
)
from tracer.store.annotations.summaries import is_bookmarked
from tracer.store.database.conditions import (
    Column,
    Condition,
    Field,
    metadata_field,
    month,
    numbers_of,
    value_of_key,
    where,
)
from tracer.store.library.experiments import run_column
from tracer.store.schema import (
    dataset_run_items,
    dataset_runs,
    prices,
    span_payloads,
    spans,
    traces,
)
from tracer.store.traces.score_fields import score_fields
from tracer.store.traces.tool_calls import CALL_COUNT, CALLED, OFFER_COUNT, OFFERED


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundSpan:
    """A span with its payload and the fields of its trace."""

    project_id: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    kind: str
    name: str
    start_time: datetime
    end_time: datetime | None
    first_token_time: datetime | None
    level: str
    status_message: str | None
    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    total_cost: Decimal | None
    usage: dict[str, int]
    cost: dict[str, Decimal]
    priced_by: str | None
    own_rates: Rates | None
    """The rates of the project price that priced the span."""
    provider: str | None
    model_parameters: dict[str, Json]
    prompt_name: str | None
    prompt_version: int | None
    input: Json
    output: Json
    metadata: dict[str, Json]
    attributes: dict[str, Json]
    notes: dict[str, Json]
    trace_name: str
    user_id: str | None
    session_id: str | None
    environment: str
    release: str | None
    trace_version: str | None
    public: bool
    bookmarked: bool
    """Whether the trace has a bookmark."""
    tags: list[str]
    updated_at: datetime


ROOT: Final = "root"
"""Key of a `position` condition for the root; other keys are numbers: 1 first, -1 last."""


class SpanKey(NamedTuple):
    """The sort key of the last span of a page."""

    start_time: datetime
    trace_id: str
    span_id: str


_OF_TRACE = {
    "trace_name": traces.c.name,
    "trace_version": traces.c.version,
    **{
        name: traces.c[name]
        for name in ("user_id", "session_id", "environment", "release", "public", "tags")
    },
    "bookmarked": is_bookmarked(traces),
    "updated_at": traces.c.updated_at,
}
_OWN_RATES = (
    sa.select(prices.c.rates)
    .where(
        prices.c.project_id == span_payloads.c.project_id,
        prices.c.price_id == span_payloads.c.priced_by,
    )
    .correlate(span_payloads)
    .scalar_subquery()
)
_OBJECTS = ("usage", "cost", "model_parameters", "metadata", "attributes", "notes")
_SECONDS = sa.extract("epoch", spans.c.end_time - spans.c.start_time)


def _cost_of(side: str) -> Column:
    """Return the cost (US dollars) of a span's usage types whose names match the regex ``side``."""
    each = sa.func.json_each_text(span_payloads.c.cost).table_valued("key", "value", name="each")
    dollars = sa.func.sum(sa.cast(each.c.value, sa.Numeric))
    return (
        sa.select(dollars)
        .select_from(each)
        .where(each.c.key.regexp_match(side))
        .correlate(span_payloads)
        .scalar_subquery()
    )


INPUT_COST: Final = _cost_of("^(" + "|".join(INPUT_PREFIXES) + ")")
OUTPUT_COST: Final = _cost_of("^(output|reasoning)")


def _is_at(key: str) -> Column:
    """Return whether a span is at a position of its trace: ``root``, or the nth in time order.

    1 is the first, -1 the last.
    """
    if key == ROOT:
        return spans.c.parent_span_id.is_(None)
    try:
        position = int(key)
    except ValueError:
        raise Invalid(f"position: expected {ROOT} or a number, got {key!r:.80}") from None
    other = spans.alias()
    time_order = [other.c.start_time, other.c.span_id]
    nth = (
        sa.select(other.c.span_id)
        .where(other.c.project_id == spans.c.project_id, other.c.trace_id == spans.c.trace_id)
        .where(~other.c.placeholder)
        .order_by(*(time_order if position > 0 else [column.desc() for column in time_order]))
        .offset(max(abs(position) - 1, 0))
        .limit(1)
    )
    return spans.c.span_id == nth.correlate(spans).scalar_subquery()


def _attribute(name: str) -> Column:
    """Return an attribute of a span as text."""
    return value_of_key(span_payloads.c.attributes, name)


def _own_or(attribute: str, of_trace: Column) -> Column:
    """Return a span's own value, which is an attribute, or else its trace's."""
    return sa.func.coalesce(sa.func.nullif(_attribute(attribute), ""), of_trace, type_=sa.Text)


def _as_text(payload: Column) -> Column:
    """Return a text without its quotes, and any other value as its JSON."""
    return payload.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'"))


_METADATA = metadata_field(span_payloads.c.metadata)
FIELDS: dict[str, Field] = {
    **{
        name: Field(spans.c[name])
        for name in (
            "trace_id",
            "span_id",
            "parent_span_id",
            "kind",
            "name",
            "start_time",
            "end_time",
            "level",
            "status_message",
            "model",
            "input_tokens",
            "output_tokens",
            "total_tokens",
            "total_cost",
        )
    },
    **{name: Field(column) for name, column in _OF_TRACE.items()},
    "trace_environment": Field(traces.c.environment),
    "environment": Field(_own_or(OWN_ENVIRONMENT, traces.c.environment)),
    "version": Field(_own_or(OWN_VERSION, traces.c.version)),
    **score_fields(spans, ("trace_id", "span_id")),
    "input_cost": Field(INPUT_COST),
    "output_cost": Field(OUTPUT_COST),
    "month": Field(month(spans.c.start_time)),
    "offered_tools": Field(OFFERED),
    "called_tools": Field(CALLED),
    "offer_count": Field(OFFER_COUNT),
    "call_count": Field(CALL_COUNT),
    "run_id": Field(run_column(dataset_runs.c.run_id, spans)),
    "run_name": Field(run_column(dataset_runs.c.name, spans)),
    "dataset_id": Field(run_column(dataset_runs.c.dataset_id, spans)),
    "item_id": Field(run_column(dataset_run_items.c.item_id, spans)),
    "prompt_name": Field(span_payloads.c.prompt_name),
    "prompt_version": Field(span_payloads.c.prompt_version),
    "input": Field(_as_text(span_payloads.c.input)),
    "output": Field(_as_text(span_payloads.c.output)),
    "metadata": _METADATA,
    "metadata_number": numbers_of(_METADATA),
    "latency": Field(sa.cast(_SECONDS, sa.Float)),
    "time_to_first_token": Field(
        sa.cast(sa.extract("epoch", spans.c.first_token_time - spans.c.start_time), sa.Float)
    ),
    "tokens_per_second": Field(
        sa.cast(spans.c.output_tokens / sa.func.nullif(_SECONDS, 0), sa.Float)
    ),
    "is_root": Field(
        sa.or_(
            spans.c.parent_span_id.is_(None),
            sa.func.coalesce(_attribute(APP_ROOT) == "true", sa.false()),
        )
    ),
    "position": Field(of_key=_is_at),
    "has_parent": Field(spans.c.parent_span_id.is_not(None)),
}
"""The fields that conditions on spans can name."""


def trace_of(project_id: str, span_id: str) -> str | None:
    """Return the trace of the span; the latest one where several traces contain this id."""
    query = (
        sa.select(spans.c.trace_id)
        .where(spans.c.project_id == project_id, spans.c.span_id == span_id)
        .where(~spans.c.placeholder)
        .order_by(spans.c.start_time.desc())
        .limit(1)
    )
    trace_id: str | None = db.session.execute(query).scalar()
    return trace_id


def find_span(project_id: str, span_id: str) -> FoundSpan | None:
    """Return the span; the latest one where several traces contain this id. None: no such span."""
    matches = list_spans(project_id, [Condition("span_id", "=", span_id)], limit=1)
    return matches[0] if matches else None


def list_spans(
    project_id: str,
    conditions: Sequence[Condition],
    *,
    after: SpanKey | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[FoundSpan]:
    """Return spans that fulfil the conditions, newest first, after a key or from an offset on.

    Raises Invalid.
    """
    query = rows(sa.select(*_COLUMNS), project_id, conditions)
    if after is not None:
        # Time descending, ids ascending, like the index.
        query = query.where(
            sa.or_(
                spans.c.start_time < after.start_time,
                sa.and_(
                    spans.c.start_time == after.start_time,
                    sa.tuple_(spans.c.trace_id, spans.c.span_id)
                    > sa.tuple_(sa.literal(after.trace_id), sa.literal(after.span_id)),
                ),
            ),
            spans.c.start_time <= after.start_time,
        )
    query = query.order_by(spans.c.start_time.desc(), spans.c.trace_id, spans.c.span_id)
    result = db.session.execute(query.limit(limit).offset(offset)).mappings()
    return [_span(row) for row in result]


def count_spans(project_id: str, conditions: Sequence[Condition]) -> int:
    """Return how many spans fulfil the conditions; raises Invalid."""
    query = rows(sa.select(sa.func.count()), project_id, conditions)
    return int(db.session.execute(query).scalar_one())


def span_ids(project_id: str, trace_ids: Sequence[str], limit: int) -> dict[str, list[str]]:
    """Return up to ``limit`` span ids of each of these traces, in time order, by trace id."""
    wanted = sa.values(sa.column("trace_id", sa.Text), name="wanted").data(
        [(trace_id,) for trace_id in trace_ids]
    )
    ids = (
        sa.select(spans.c.span_id)
        .where(spans.c.project_id == project_id, spans.c.trace_id == wanted.c.trace_id)
        .where(~spans.c.placeholder)
        .order_by(spans.c.start_time, spans.c.span_id)
        .limit(limit)
        .lateral("ids")
    )
    ids_by_trace: dict[str, list[str]] = {trace_id: [] for trace_id in trace_ids}
    if trace_ids:
        query = sa.select(wanted.c.trace_id, ids.c.span_id).select_from(wanted.join(ids, sa.true()))
        for trace_id, span_id in db.session.execute(query):
            ids_by_trace[trace_id].append(span_id)
    return ids_by_trace


_BESIDE = {**_OF_TRACE, "own_rates": _OWN_RATES}
_COLUMNS = [
    _BESIDE[name].label(name)
    if name in _BESIDE
    else (spans.c[name] if name in spans.c else span_payloads.c[name])
    for name in FoundSpan.__dataclass_fields__
]


def rows(query: sa.Select[Any], project_id: str, conditions: Sequence[Condition]) -> sa.Select[Any]:
    """Return the query restricted to the project's spans that fulfil the conditions."""
    payload = sa.and_(
        span_payloads.c.project_id == spans.c.project_id,
        span_payloads.c.trace_id == spans.c.trace_id,
        span_payloads.c.span_id == spans.c.span_id,
    )
    trace = sa.and_(
        traces.c.project_id == spans.c.project_id, traces.c.trace_id == spans.c.trace_id
    )
    return (
        query.select_from(spans.join(traces, trace).outerjoin(span_payloads, payload))
        .where(spans.c.project_id == project_id, ~spans.c.placeholder)
        .where(*where(list(conditions), FIELDS))
    )


def _span(row: sa.RowMapping) -> FoundSpan:
    values = dict(row)
    for name in _OBJECTS:
        values[name] = values[name] or {}
    values["cost"] = decimals(values["cost"])
    if values["own_rates"] is not None:
        values["own_rates"] = msgspec.convert(values["own_rates"], Rates)
    return FoundSpan(**values)
