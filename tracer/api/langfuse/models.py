"""Models with their pricing tiers: the project's own prices, then the built-in list."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Final

from flask import Blueprint, Response

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.params import PageMeta, PageQuery, page_meta, read_params
from tracer.pricing import list_prices
from tracer.pricing.list_prices import ListPrice
from tracer.store.projects import prices
from tracer.web.keys import current_project_id
from tracer.web.langfuse.models import LISTED, Model, list_id, listed_model, own_model
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, missing, reply, set_up
from tracer.web.operations import Operation, describe

_DAY: Final = 86_400
_MAX_LISTED: Final = 100_000

bp = Blueprint("langfuse_models", __name__, url_prefix=PREFIX)
set_up(bp)


class Models(Answer, kw_only=True):
    """A page of models."""

    data: list[Model]
    meta: PageMeta


@bp.get("/models")
@describe(
    Operation(summary="List models", query=PageQuery, answers={200: Models}, problems=PROBLEMS)
)
def list_models() -> Response:
    """Return one page of models, the project's own prices first."""
    query = read_params(PageQuery)
    own_models = [
        own_model(row) for row in prices.list_prices(current_project_id()) if row.retired_at is None
    ]
    listed = _listed(int(time.time()) // _DAY)
    first = max(query.offset - len(own_models), 0)
    page = own_models[query.offset : query.offset + query.limit]
    page += [listed_model(entry) for entry in listed[first : first + query.limit - len(page)]]
    return reply(Models(data=page, meta=page_meta(query, len(own_models) + len(listed))))


@bp.get("/models/<id:model_id>")
@describe(Operation(summary="Read a model", answers={200: Model}, problems=(*PROBLEMS, 404)))
def read_model(model_id: str) -> Response:
    """Return a model: a price of the project, or an entry of the built-in list."""
    if model_id.startswith(LISTED):
        for entry in _listed(int(time.time()) // _DAY):
            if list_id(entry) == model_id:
                return reply(listed_model(entry))
    row = prices.price_in_use(current_project_id(), model_id)
    if row is None:
        raise missing("Model", model_id)
    return reply(own_model(row))


@lru_cache(maxsize=1)
def _listed(day: int) -> list[ListPrice]:
    # Cached per day: building the list is slow, and prices change at midnight at the earliest.
    return list_prices.search_list("", day * _DAY * 1_000_000, _MAX_LISTED)
