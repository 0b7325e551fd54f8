"""Reads of observations in version 1 of the API: numbered pages, input and output as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from flask import Blueprint, Response
from msgspec import Meta, field

from tracer.api.langfuse.answers import Answer, Observation, observation
from tracer.api.langfuse.filters import labelled, read_filter, with_filter
from tracer.api.langfuse.params import (
    Filter,
    Limit,
    Page,
    PageMeta,
    Query,
    Texts,
    page_meta,
    read_params,
)
from tracer.store.database.conditions import Condition
from tracer.store.database.session import within
from tracer.store.traces import span_search
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, missing, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.bodies import Level, Type
from tracer.wire.langfuse.words import LEVELS, TYPE_OF
from tracer.wire.native.requests import Time

COLUMNS: Final = {
    "id": "span_id",
    "type": "kind",
    "name": "name",
    "traceId": "trace_id",
    "startTime": "start_time",
    "endTime": "end_time",
    "environment": "environment",
    "level": "level",
    "statusMessage": "status_message",
    "version": "version",
    "traceEnvironment": "trace_environment",
    "traceVersion": "trace_version",
    "release": "release",
    "userId": "user_id",
    "sessionId": "session_id",
    "parentObservationId": "parent_span_id",
    "traceName": "trace_name",
    "traceTags": "tags",
    "tags": "tags",
    "latency": "latency",
    "timeToFirstToken": "time_to_first_token",
    "tokensPerSecond": "tokens_per_second",
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "totalTokens": "total_tokens",
    "tokens": "total_tokens",
    "totalCost": "total_cost",
    "inputCost": "input_cost",
    "outputCost": "output_cost",
    "model": "model",
    "providedModelName": "model",
    "promptName": "prompt_name",
    "promptVersion": "prompt_version",
    "metadata": "metadata",
    "scores": "score_average",
    "scores_avg": "score_average",
    "score_categories": "score_labels",
    "score_booleans": "score_flag",
    "input": "input",
    "output": "output",
    "hasParent": "has_parent",
    "isRootObservation": "is_root",
    "positionInTrace": "position",
    "toolNames": "offered_tools",
    "calledToolNames": "called_tools",
    "toolDefinitions": "offer_count",
    "toolCalls": "call_count",
    "experimentId": "run_id",
    "experimentName": "run_name",
    "experimentDatasetId": "dataset_id",
    "experimentItemId": "item_id",
}

bp = Blueprint("langfuse_observations", __name__, url_prefix=PREFIX)
set_up(bp)


class ObservationFilters(Query, kw_only=True):
    """Filters of both lists of observations, all of which must hold."""

    name: str | None = None
    user_id: str | None = None
    type: Type | None = None
    trace_id: str | None = None
    level: Level | None = None
    parent_observation_id: str | None = None
    environment: Annotated[Texts, Meta(description="any of them")] = field(default_factory=list)
    from_start_time: Time | None = None
    to_start_time: Annotated[Time | None, Meta(description="exclusive")] = None
    version: str | None = None
    filter: Filter | None = None


class ObservationsQuery(ObservationFilters, kw_only=True):
    """A numbered page of observations."""

    page: Page = 1
    limit: Limit = 50

    @property
    def offset(self) -> int:
        """Number of rows before the page."""
        return (self.page - 1) * self.limit


class Observations(Answer, kw_only=True):
    """A page of observations."""

    data: list[Observation]
    meta: PageMeta


@bp.get("/observations")
@describe(
    Operation(
        summary="List observations",
        query=ObservationsQuery,
        answers={200: Observations},
        problems=(*PROBLEMS, 422),
    )
)
def list_observations() -> Response:
    """Return one page of the project's observations, newest first."""
    query = read_params(ObservationsQuery)
    all_conditions = conditions(query)
    with within():
        rows = span_search.list_spans(
            current_project_id(), all_conditions, limit=query.limit, offset=query.offset
        )
        total = span_search.count_spans(current_project_id(), all_conditions)
    data = [observation(row) for row in rows]
    return reply(Observations(data=data, meta=page_meta(query, total)))


@bp.get("/observations/<id:observation_id>")
@describe(
    Operation(summary="Read an observation", answers={200: Observation}, problems=(*PROBLEMS, 404))
)
def read_observation(observation_id: str) -> Response:
    """Return an observation; the latest one where several traces contain its id."""
    row = span_search.find_span(current_project_id(), observation_id)
    if row is None:
        raise missing("Observation", observation_id)
    return reply(observation(row))


def conditions(
    query: ObservationFilters, extra: Mapping[str, str | bool | None] = MappingProxyType({})
) -> list[Condition]:
    """Return the conditions of a query and of ``extra`` fields; fields that are None are ignored.

    A filter on a column replaces its plain parameter.
    """
    plain = {
        "name": query.name,
        "user_id": query.user_id,
        "trace_id": query.trace_id,
        "parent_span_id": query.parent_observation_id,
        "version": query.version,
        **extra,
    }
    plain_conditions = [
        Condition(name, "=", value) for name, value in plain.items() if value is not None
    ]
    if query.type is not None:
        plain_conditions.append(as_stored(Condition("kind", "=", query.type)))
    if query.level is not None:
        plain_conditions.append(Condition("level", "=", LEVELS[query.level]))
    if query.environment:
        plain_conditions.append(Condition("environment", "any of", query.environment))
    if query.from_start_time is not None:
        plain_conditions.append(Condition("start_time", ">=", query.from_start_time))
    if query.to_start_time is not None:
        plain_conditions.append(Condition("start_time", "<", query.to_start_time))
    filtered = [as_stored(condition) for condition in read_filter(query.filter, COLUMNS)]
    return with_filter(plain_conditions, filtered)


# Several kinds of Tracer are one type of Langfuse.
_LABELS: Final = {"kind": TYPE_OF, "level": {level: name for name, level in LEVELS.items()}}


def as_stored(condition: Condition) -> Condition:
    """Return a condition on types or levels with Tracer's kinds and levels; others unchanged."""
    labels = _LABELS.get(condition.field)
    return condition if labels is None else labelled(condition, labels)
