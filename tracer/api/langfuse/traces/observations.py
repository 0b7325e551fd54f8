"""Reads of observations as the first version of the API has them: numbered pages, parsed texts."""

from __future__ import annotations

from typing import Annotated, Final

from flask import Blueprint, Response
from msgspec import Meta, field

from tracer.api.langfuse.answers import Answer, Observation, observation
from tracer.api.langfuse.params import (
    Filter,
    Limit,
    Page,
    PageMeta,
    Query,
    Texts,
    page_meta,
    read_filter,
    read_params,
)
from tracer.store.database.conditions import Condition
from tracer.store.database.session import within
from tracer.store.traces import span_search
from tracer.web.keys import project_id
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
    "version": "trace_version",
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
    "totalCost": "total_cost",
    "inputCost": "input_cost",
    "outputCost": "output_cost",
    "model": "model",
    "providedModelName": "model",
    "promptName": "prompt_name",
    "promptVersion": "prompt_version",
    "metadata": "metadata",
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
    """Filters of both lists of observations, all of which hold."""

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
        """How many rows come before the page."""
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
    wanted = conditions(query)
    with within():
        rows = span_search.list_spans(project_id(), wanted, limit=query.limit, offset=query.offset)
        total = span_search.count_spans(project_id(), wanted)
    data = [observation(row) for row in rows]
    return reply(Observations(data=data, meta=page_meta(query, total)))


@bp.get("/observations/<id:observation_id>")
@describe(
    Operation(summary="Read an observation", answers={200: Observation}, problems=(*PROBLEMS, 404))
)
def read_observation(observation_id: str) -> Response:
    """Return an observation, whichever trace it is in."""
    row = span_search.find_span(project_id(), observation_id)
    if row is None:
        raise missing("Observation", observation_id)
    return reply(observation(row))


def conditions(query: ObservationFilters) -> list[Condition]:
    """Return the conditions of a query; its filter takes the place of a plain parameter."""
    plain = {
        "name": query.name,
        "user_id": query.user_id,
        "trace_id": query.trace_id,
        "parent_span_id": query.parent_observation_id,
        "trace_version": query.version,
    }
    found = [Condition(name, "=", value) for name, value in plain.items() if value is not None]
    if query.type is not None:
        found.append(_of_type("any of", [query.type]))
    if query.level is not None:
        found.append(Condition("level", "=", LEVELS[query.level]))
    if query.environment:
        found.append(Condition("environment", "any of", query.environment))
    if query.from_start_time is not None:
        found.append(Condition("start_time", ">=", query.from_start_time))
    if query.to_start_time is not None:
        found.append(Condition("start_time", "<", query.to_start_time))
    told = [in_our_words(one) for one in read_filter(query.filter, COLUMNS)]
    columns = {one.field for one in told}
    return [one for one in found if one.field not in columns] + told


def _of_type(operator: str, names: list[str]) -> Condition:
    # Several of our kinds are one type of theirs.
    return Condition("kind", operator, [kind for kind, name in TYPE_OF.items() if name in names])


def in_our_words(one: Condition) -> Condition:
    """Return a condition on kinds or levels with our words for them; any other as it is."""
    if one.field == "kind":
        names = one.value if isinstance(one.value, list) else [one.value]
        several = {"=": "any of", "<>": "none of"}.get(one.operator, one.operator)
        return _of_type(several, [str(name).upper() for name in names])
    if one.field == "level":
        if isinstance(one.value, list):
            return one._replace(value=[str(name).lower() for name in one.value])
        return one._replace(value=str(one.value).lower())
    return one
