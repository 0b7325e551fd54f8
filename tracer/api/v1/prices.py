"""Reads of a project's prices, and of the price that applies to a given call."""

from __future__ import annotations

import time

from flask import Blueprint, Response

from tracer.api.v1.queries import MatchQuery
from tracer.errors import NotFound
from tracer.pricing import list_prices as pricing
from tracer.pricing.price_book import COMPUTED, CUSTOM
from tracer.store.projects import prices
from tracer.times import to_micros
from tracer.web.answers.prices import ListEntry, Price, PriceList, PriceMatch, price
from tracer.web.keys import current_project_id
from tracer.web.operations import READ_PROBLEMS, Operation, answer, describe, read_query, set_up

bp = Blueprint("prices", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.get("/prices")
@describe(
    Operation(summary="List the project's own prices", answers={200: PriceList}, problems=(401,))
)
def list_prices() -> Response:
    """Return all prices of the project, retired ones last."""
    rows = [price(row) for row in prices.list_prices(current_project_id())]
    return answer(PriceList(data=rows, list_prices=pricing.LIST_NAME))


@bp.get("/prices/<id:price_id>")
@describe(Operation(summary="Read a price", answers={200: Price}, problems=READ_PROBLEMS))
def read_price(price_id: str) -> Response:
    """Return a price, in use or retired."""
    row = prices.get_price(current_project_id(), price_id)
    if row is None:
        raise NotFound.of("price", price_id)
    return answer(price(row))


@bp.get("/prices/match")
@describe(
    Operation(
        summary="Read the price that applies to a call",
        query=MatchQuery,
        answers={200: PriceMatch},
        problems=(400, 401),
    )
)
def match_price() -> Response:
    """Return the price that applies to a call: the project's, or else the built-in list's."""
    query = read_query(MatchQuery)
    time_us = time.time_ns() // 1000 if query.at is None else to_micros(query.at)
    rows = prices.list_prices(current_project_id())
    own_price = prices.price_book(rows).find(
        query.model, query.requested_model, query.provider, time_us
    )
    if own_price is not None:
        row = next(row for row in rows if row.price_id == own_price.price_id)
        return answer(
            PriceMatch(cost_source=CUSTOM, price=price(row), list_price=None, rates=row.rates)
        )
    entry = pricing.list_entry(query.model, query.provider, time_us)
    if entry is None:
        return answer(PriceMatch(cost_source=None, price=None, list_price=None, rates=None))
    listed = ListEntry(provider=entry.provider, model=entry.model, version=pricing.PRICES_VERSION)
    return answer(
        PriceMatch(cost_source=COMPUTED, price=None, list_price=listed, rates=entry.rates)
    )
