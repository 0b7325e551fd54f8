"""Reads of scores in versions 1 and 2 of the API: numbered pages."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from flask import Blueprint, Response
from msgspec import Meta, field

from tracer.api.langfuse.answers import Answer, Score, score
from tracer.api.langfuse.filters import labelled, read_filter, with_filter
from tracer.api.langfuse.params import (
    Filter,
    PageMeta,
    PageQuery,
    Texts,
    groups_of,
    page_meta,
    read_params,
    split,
)
from tracer.errors import Invalid
from tracer.store.database.conditions import Condition
from tracer.store.scores import search
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, missing, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.bodies import ScoreType
from tracer.wire.langfuse.words import DATA_TYPES, SOURCES
from tracer.wire.native.requests import Time

COLUMNS: Final = {
    "id": "score_id",
    "name": "name",
    "traceId": "trace_id",
    "observationId": "span_id",
    "sessionId": "session_id",
    "datasetRunId": "run_id",
    "timestamp": "time",
    "value": "value",
    "stringValue": "string_value",
    "dataType": "data_type",
    "source": "source",
    "comment": "comment",
    "configId": "config_id",
    "queueId": "queue_id",
    "environment": "environment",
    "authorUserId": "author_id",
    "userId": "trace_user_id",
    "traceName": "trace_name",
    "traceTags": "trace_tags",
    "tags": "trace_tags",
    "metadata": "metadata",
}

GROUPS: Final = ("score", "trace")
UNCORRECTED: Final = Condition("data_type", "none of", ["correction"])
"""Excludes corrections: the clients of these reads don't support that data type."""
API: Final = "API"

bp = Blueprint("langfuse_scores", __name__, url_prefix=PREFIX)
set_up(bp)


class ScoresQuery(PageQuery, kw_only=True):
    """Filters of the list of scores, all of which must hold."""

    user_id: str | None = None
    name: str | None = None
    from_timestamp: Time | None = None
    to_timestamp: Annotated[Time | None, Meta(description="exclusive")] = None
    environment: Annotated[Texts, Meta(description="any of them")] = field(default_factory=list)
    source: Literal["API", "ANNOTATION", "EVAL"] | None = None
    operator: Literal["<", ">", "<=", ">=", "=", "!="] | None = None
    value: float | None = None
    score_ids: Annotated[str | None, Meta(description="with commas")] = None
    config_id: str | None = None
    session_id: str | None = None
    dataset_run_id: str | None = None
    trace_id: str | None = None
    observation_id: Annotated[str | None, Meta(description="with commas")] = None
    queue_id: str | None = None
    data_type: ScoreType | None = None
    trace_tags: Annotated[Texts, Meta(description="all of them; repeated or with commas")] = field(
        default_factory=list
    )
    fields: Annotated[str | None, Meta(description="score, trace")] = None
    filter: Filter | None = None


class Scores(Answer, kw_only=True):
    """A page of scores."""

    data: list[Score]
    meta: PageMeta


_LIST: Final = Operation(
    summary="List scores", query=ScoresQuery, answers={200: Scores}, problems=PROBLEMS
)
_READ: Final = Operation(summary="Read a score", answers={200: Score}, problems=(*PROBLEMS, 404))


@bp.get("/scores")
@describe(_LIST)
def list_scores() -> Response:
    """Return one page of the scores of traces and their observations, without corrections."""
    return _page([Condition("trace_id", "is not null", None), UNCORRECTED])


@bp.get("/v2/scores")
@describe(_LIST)
def list_scores_v2() -> Response:
    """Return one page of the project's scores, newest first."""
    return _page([])


@bp.get("/scores/<id:score_id>")
@describe(_READ)
def read_score(score_id: str) -> Response:
    """Return a score on any subject that is no correction."""
    return _read(score_id, UNCORRECTED)


@bp.get("/v2/scores/<id:score_id>")
@describe(_READ)
def read_score_v2(score_id: str) -> Response:
    """Return a score on any subject."""
    return _read(score_id)


def _page(extra: list[Condition]) -> Response:
    query = read_params(ScoresQuery)
    with_trace = _with_trace(query)
    conditions = [*extra, *_conditions(query)]
    rows = search.list_scores(
        current_project_id(), conditions, limit=query.limit, offset=query.offset
    )
    total = search.count_scores(current_project_id(), conditions)
    data = [score(row, current_project_id(), trace=with_trace) for row in rows]
    return reply(Scores(data=data, meta=page_meta(query, total)))


def _read(score_id: str, *extra: Condition) -> Response:
    conditions = [Condition("score_id", "=", score_id), *extra]
    rows = search.list_scores(current_project_id(), conditions, limit=1)
    if not rows:
        raise missing("Score", score_id)
    return reply(score(rows[0], current_project_id()))


_LABELS: Final = {
    "source": ({stored: name for name, stored in SOURCES.items() if name != API}, API),
    "data_type": ({stored: name for name, stored in DATA_TYPES.items()}, ""),
}


def as_stored(condition: Condition) -> Condition:
    """Return a condition on sources or data types with Tracer's values; others unchanged."""
    if condition.field not in _LABELS:
        return condition
    return labelled(condition, *_LABELS[condition.field])


def _conditions(query: ScoresQuery) -> list[Condition]:
    plain = {
        "trace_user_id": query.user_id,
        "name": query.name,
        "config_id": query.config_id,
        "session_id": query.session_id,
        "run_id": query.dataset_run_id,
        "trace_id": query.trace_id,
        "queue_id": query.queue_id,
        "data_type": query.data_type,
        "source": query.source,
    }
    conditions = [Condition(name, "=", value) for name, value in plain.items() if value is not None]
    if query.from_timestamp is not None:
        conditions.append(Condition("time", ">=", query.from_timestamp))
    if query.to_timestamp is not None:
        conditions.append(Condition("time", "<", query.to_timestamp))
    if query.environment:
        conditions.append(Condition("environment", "any of", query.environment))
        if query.user_id is not None or query.trace_tags:
            conditions.append(Condition("trace_environment", "any of", query.environment))
    for name, listed in (("score_id", query.score_ids), ("span_id", query.observation_id)):
        if listed is not None:
            conditions.append(Condition(name, "any of", split(listed)))
    if query.trace_tags:
        tags = [tag for listed in query.trace_tags for tag in split(listed)]
        conditions.append(Condition("trace_tags", "all of", tags))
    # Either of the two alone is no condition.
    if query.operator is not None and query.value is not None:
        operator = "<>" if query.operator == "!=" else query.operator
        conditions.append(Condition("value", operator, query.value))
    filtered = with_filter(conditions, read_filter(query.filter, COLUMNS))
    return [as_stored(condition) for condition in filtered]


def _with_trace(query: ScoresQuery) -> bool:
    """Return whether the fields of the trace are requested; raises Invalid."""
    if query.fields is None:
        return True
    # Unknown names are ignored, as in all lists but those of version 3.
    groups = groups_of(query.fields, GROUPS)
    if groups and "score" not in groups:
        raise Invalid.of_field("fields", "expected score among them")
    with_trace = "trace" in groups or not groups
    if not with_trace and (query.user_id is not None or query.trace_tags):
        raise Invalid(
            "Cannot filter by trace properties (userId, traceTags) where fields leave out trace"
        )
    return with_trace
