"""Writes of model definitions in Langfuse's format, stored as prices of the project."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.errors import NotFound
from tracer.ingestion.writing import json_body
from tracer.store.database.session import transaction
from tracer.store.projects import prices
from tracer.web.keys import current_project_id
from tracer.web.langfuse.models import LISTED, Model, own_model
from tracer.web.langfuse.routes import (
    PREFIX,
    PROBLEMS,
    WRITE_PROBLEMS,
    Message,
    missing,
    reply,
    set_up,
)
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.models import ModelBody, price_draft
from tracer.wire.langfuse.times import read_sent
from tracer.wire.reading import read_storable_json

bp = Blueprint("langfuse_model_writes", __name__, url_prefix=PREFIX)
set_up(bp)


@bp.post("/models")
@describe(
    Operation(summary="Add a model", body=ModelBody, answers={200: Model}, problems=WRITE_PROBLEMS)
)
def create_model() -> Response:
    """Add a price, which applies to spans that are stored from now on."""
    draft = price_draft(read_sent(read_storable_json(json_body()), ModelBody))
    with transaction():
        made = prices.create_price(current_project_id(), draft)
    return reply(own_model(made))


@bp.put("/models/<id:model_id>")
@describe(
    Operation(
        summary="Add a model under an id, or change the one of that id",
        body=ModelBody,
        answers={200: Model},
        problems=(*WRITE_PROBLEMS, 404),
    )
)
def change_model(model_id: str) -> Response:
    """Add a model, or a revision of one: prices of stored spans never change."""
    draft = price_draft(read_sent(read_storable_json(json_body()), ModelBody))
    _check_not_listed(model_id, "changed")
    with transaction():
        made = prices.replace_price(current_project_id(), model_id, draft)
    return reply(own_model(made))


@bp.delete("/models/<id:model_id>")
@describe(Operation(summary="Delete a model", answers={200: Message}, problems=(*PROBLEMS, 404)))
def delete_model(model_id: str) -> Response:
    """Retire a model: spans that it priced keep their price."""
    _check_not_listed(model_id, "deleted")
    row = prices.price_in_use(current_project_id(), model_id)
    if row is None:
        raise missing("Model", model_id)
    with transaction():
        prices.retire_price(current_project_id(), row.price_id)
    return reply(Message(message="Model deleted successfully"))


def _check_not_listed(model_id: str, done: str) -> None:
    """Raise NotFound for a model of the built-in list."""
    if model_id.startswith(LISTED):
        raise NotFound(f"a model of the built-in list can't be {done}")
