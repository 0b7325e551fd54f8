"""Writes of a project's prices; changes apply to spans that are stored afterwards."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response
from msgspec import UNSET

from tracer.errors import NotFound
from tracer.ingestion.writing import json_body
from tracer.pricing.price_book import PriceDraft
from tracer.store.database.session import transaction
from tracer.store.projects import prices
from tracer.store.projects.prices import PriceRow
from tracer.web.answers.prices import Price, price
from tracer.web.keys import current_project_id
from tracer.web.operations import Operation, answer, describe, set_up
from tracer.wire.native.prices import PriceClone, PriceUpdate
from tracer.wire.reading import read_item, read_storable_json

PROBLEMS: Final = (400, 401, 413, 415, 503)

bp = Blueprint("price_writes", __name__, url_prefix="/api/v1")
set_up(bp)


@bp.post("/prices")
@describe(
    Operation(summary="Add a price", body=PriceDraft, answers={201: Price}, problems=PROBLEMS)
)
def create_price() -> Response:
    """Add a price, which is in use at once."""
    draft = read_item(read_storable_json(json_body()), PriceDraft)
    return _create(draft)


@bp.post("/prices/<id:price_id>/clone")
@describe(
    Operation(
        summary="Copy a price with changes",
        body=PriceClone,
        answers={201: Price},
        problems=PROBLEMS,
    )
)
def clone_price(price_id: str) -> Response:
    """Add a copy of a price with some fields changed; the original stays unchanged."""
    sent = read_item(read_storable_json(json_body()), PriceClone)
    draft = sent.of(_existing_price(price_id).draft())
    return _create(draft)


@bp.patch("/prices/<id:price_id>")
@describe(
    Operation(
        summary="Retire or restore a price, or change its note",
        body=PriceUpdate,
        answers={200: Price},
        problems=PROBLEMS,
    )
)
def update_price(price_id: str) -> Response:
    """Retire or restore a price, or change its note; its rates never change."""
    sent = read_item(read_storable_json(json_body()), PriceUpdate)
    row = _existing_price(price_id)
    with transaction():
        if sent.retired is not UNSET:
            row = prices.retire_price(current_project_id(), price_id, retired=sent.retired) or row
        if sent.note is not UNSET:
            row = prices.annotate_price(current_project_id(), price_id, sent.note) or row
    return answer(price(row))


def _create(draft: PriceDraft) -> Response:
    with transaction():
        row = prices.create_price(current_project_id(), draft)
    return answer(price(row), 201)


def _existing_price(price_id: str) -> PriceRow:
    row = prices.get_price(current_project_id(), price_id)
    if row is None:
        raise NotFound.of("price", price_id)
    return row
