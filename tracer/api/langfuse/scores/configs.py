"""Reads of score configs in Langfuse's format."""

from __future__ import annotations

from flask import Blueprint, Response

from tracer.api.langfuse.answers import Answer
from tracer.api.langfuse.params import PageMeta, TimesQuery, page_meta, read_params
from tracer.errors import NotFound
from tracer.store.scores import configs
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import (
    NO_CONFIG,
    PREFIX,
    PROBLEMS,
    Config,
    config_answer,
    reply,
    set_up,
)
from tracer.web.operations import Operation, describe

bp = Blueprint("langfuse_configs", __name__, url_prefix=PREFIX)
set_up(bp)


class Configs(Answer, kw_only=True):
    """A page of score configs."""

    data: list[Config]
    meta: PageMeta


@bp.get("/score-configs")
@describe(
    Operation(
        summary="List score configs", query=TimesQuery, answers={200: Configs}, problems=PROBLEMS
    )
)
def list_configs() -> Response:
    """Return one page of the project's score configs, newest first."""
    query = read_params(TimesQuery)
    rows, total = configs.list_configs(
        current_project_id(),
        query.limit,
        query.offset,
        since=query.from_timestamp,
        until=query.to_timestamp,
    )
    data = [config_answer(row) for row in rows]
    return reply(Configs(data=data, meta=page_meta(query, total)))


@bp.get("/score-configs/<id:config_id>")
@describe(
    Operation(summary="Read a score config", answers={200: Config}, problems=(*PROBLEMS, 404))
)
def read_config(config_id: str) -> Response:
    """Return a score config, in use or archived."""
    config = configs.get_configs(current_project_id(), [config_id]).get(config_id)
    if config is None:
        raise NotFound(NO_CONFIG)
    return reply(config_answer(config))
