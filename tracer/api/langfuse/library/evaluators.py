"""Langfuse's server-side evaluators, of which this server has none: the lists are empty."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Blueprint, Response
from msgspec import Meta

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.params import Query, read_params
from tracer.api.langfuse.traces.observations_v2 import CursorMeta
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe

bp = Blueprint("langfuse_evaluators", __name__, url_prefix=PREFIX)
set_up(bp)


class EvaluatorsQuery(Query, kw_only=True):
    """A page after a cursor."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str | None = None


class Evaluators(Answer, kw_only=True):
    """A page of evaluators, or of their rules."""

    data: list[dict[str, Any]]
    meta: CursorMeta


@bp.get("/v2/evaluators")
@describe(
    Operation(
        summary="List evaluators: there are none",
        query=EvaluatorsQuery,
        answers={200: Evaluators},
        problems=PROBLEMS,
    )
)
def list_evaluators() -> Response:
    """Return an empty page: evaluators run in applications, which send scores."""
    read_params(EvaluatorsQuery)
    return reply(Evaluators(data=[], meta=CursorMeta()))


@bp.get("/v2/evaluation-rules")
@describe(
    Operation(
        summary="List rules of evaluators: there are none",
        query=EvaluatorsQuery,
        answers={200: Evaluators},
        problems=PROBLEMS,
    )
)
def list_evaluation_rules() -> Response:
    """Return an empty page: this server has no evaluation rules."""
    return list_evaluators()
