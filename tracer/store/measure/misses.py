"""SQL that estimates cache misses: repeated input that a model call did not read from the cache.

A call is assumed to repeat the input of the previous call of its trace, name and model, if that
call had ended and had no more input tokens. Repeated tokens that were not read from the cache are
misses. Prefixes that are too short for providers to cache do not count as misses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from tracer.extensions import db
from tracer.pricing.list_prices import list_rates
from tracer.pricing.rates import price_of
from tracer.store.database.estimates import sample
from tracer.store.measure.cells import Scan
from tracer.store.projects.prices import list_prices, price_book
from tracer.store.query.source import Column, Table
from tracer.store.schema import rollup_series, span_payload_rows, spans, traces

MIN_CACHED_TOKENS: Final = 1_024
"""Tokens of the shortest prefix that providers cache."""
_EARLIER: Final = timedelta(hours=1)
"""How long before the range the previous call may have started."""


def calls_with_previous(scan: Scan) -> Table:
    """Return the model calls among `spans`, with the tokens and end of the previous call.

    A sample has whole traces, so that each call is sampled together with its previous call.
    """
    frame = scan.frame
    window: dict[str, Any] = {
        "partition_by": [spans.c.trace_id, spans.c.name, spans.c.model],
        "order_by": [spans.c.start_time, spans.c.span_id],
    }
    query = sa.select(
        *spans.c,
        sa.func.lag(spans.c.input_tokens).over(**window).label("previous_tokens"),
        sa.func.lag(spans.c.end_time).over(**window).label("previous_end"),
    ).where(
        spans.c.project_id == scan.project_id,
        spans.c.kind == "generation",
        ~spans.c.placeholder,
        spans.c.start_time >= frame.since - _EARLIER,
        spans.c.start_time < frame.until,
    )
    if scan.share < 1:
        some = sample(traces, scan.share)
        of_project = sa.select(some.c.trace_id).where(
            some.c.project_id == scan.project_id,
            some.c.start_time < frame.until,
            some.c.end_time >= frame.since,
        )
        query = query.where(spans.c.trace_id.in_(of_project))
    return query.subquery("calls")


def payload_of(table: Table) -> tuple[Table, list[Column]]:
    """Return the payload rows to join with the calls, and the conditions of the join.

    Calls that repeat nothing are joined with no row, so that their payloads are not read.
    """
    payload = span_payload_rows.alias("payload")
    same = [payload.c[name] == table.c[name] for name in ("project_id", "trace_id")]
    return payload, [*same, payload.c.span_id == sa.case((_repeats(table), table.c.span_id))]


def missed_tokens(table: Table, payload: Table) -> Column:
    """Return the tokens that a call missed; NULL: it reports no input tokens."""
    cached = sa.func.coalesce(_part(payload.c.usage, "cache_read"), 0)
    missed = sa.func.greatest(0, table.c.previous_tokens - cached)
    return sa.case(
        (_repeats(table), missed), (table.c.input_tokens.is_not(None) & ~table.c.covered, 0)
    )


def missed_cost(project_id: str, table: Table, payload: Table) -> Column:
    """Return the dollars that a call would have saved by reading its missed tokens from the cache.

    Computed from the call's own price of input tokens, and from the price of its model for cached
    tokens. NULL: it repeats nothing, or one of these prices is unknown.
    """
    paid, tokens = _part(payload.c.cost, "input"), _part(payload.c.usage, "input")
    saved = sa.case(
        *(
            ((table.c.model == model) & payload.c.provider.is_not_distinct_from(provider), share)
            for model, provider, share in _saved_shares(project_id)
        ),
        else_=sa.cast(sa.null(), sa.Numeric),
    )
    return missed_tokens(table, payload) * (paid / sa.func.nullif(tokens, 0)) * saved


def _repeats(table: Table) -> Column:
    return sa.and_(
        ~table.c.covered,
        table.c.previous_tokens >= MIN_CACHED_TOKENS,
        table.c.previous_tokens <= table.c.input_tokens,
        table.c.previous_end <= table.c.start_time,
    )


def _saved_shares(project_id: str) -> Iterator[tuple[str, str | None, Decimal]]:
    """Yield the share of the price that cached tokens save, by model and provider."""
    series = rollup_series.c
    models = (
        sa.select(series.model, series.provider)
        .where(series.project_id == project_id, series.kind == "generation", ~series.whole)
        .where(series.model.is_not(None))
        .distinct()
    )
    own, now = price_book(list_prices(project_id)), time.time_ns() // 1000
    yield "", None, Decimal(0)  # a CASE needs a condition
    for model, provider in db.session.execute(models):
        price = own.find(model, None, provider, now)
        rates = price.rates if price else list_rates(model, provider, now)
        prices = rates.prices() if rates else {}
        full, cached = price_of(prices, "input"), price_of(prices, "cache_read")
        if full and cached is not None:
            yield model, provider, 1 - cached / full


def _part(column: Any, name: str) -> Column:
    return sa.cast(column.op("->>")(name), sa.Numeric)
