"""Reads of traces: lists with groups of fields, and single traces with their observations."""

from __future__ import annotations

from typing import Annotated, Final

from flask import Blueprint, Response
from msgspec import Meta, field

from tracer.api.langfuse.answers import (
    Answer,
    CoreTrace,
    FullTrace,
    ListedTrace,
    core_trace,
    metrics_of,
    observation,
    score,
)
from tracer.api.langfuse.filters import read_filter, with_filter
from tracer.api.langfuse.params import (
    Filter,
    PageMeta,
    PageQuery,
    Query,
    Texts,
    groups_of,
    page_meta,
    read_params,
)
from tracer.api.langfuse.scores.scores import UNCORRECTED
from tracer.api.langfuse.traces.observations import as_stored
from tracer.errors import Invalid, TooLarge
from tracer.store.database.conditions import Condition
from tracer.store.scores import search
from tracer.store.traces import span_search, trace_search, traces
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, missing, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.native.requests import Time

GROUPS: Final = ("core", "io", "scores", "observations", "metrics")
MAX_IDS: Final = 10_000
"""Greatest number of observation ids listed per trace."""
MAX_OBSERVATIONS: Final = 20_000
"""Greatest number of observations returned with a trace; larger traces are read in pages."""

ORDERS: Final = {
    "id": "trace_id",
    "timestamp": "start_time",
    "name": "name",
    "userId": "user_id",
    "release": "release",
    "version": "version",
    "public": "public",
    "bookmarked": "bookmarked",
    "sessionId": "session_id",
}
COLUMNS: Final = {
    **ORDERS,
    "traceId": "trace_id",
    "traceName": "name",
    "environment": "environment",
    "traceEnvironment": "environment",
    "tags": "tags",
    "traceTags": "tags",
    "metadata": "metadata",
    "latency": "latency",
    "inputTokens": "input_tokens",
    "outputTokens": "output_tokens",
    "totalTokens": "total_tokens",
    "tokens": "total_tokens",
    "totalCost": "total_cost",
    "inputCost": "input_cost",
    "outputCost": "output_cost",
    "level": "level",
    "errorCount": "error_count",
    "warningCount": "warning_count",
    "defaultCount": "default_count",
    "debugCount": "debug_count",
    "scores": "score_average",
    "scores_avg": "score_average",
    "score_categories": "score_labels",
    "score_booleans": "score_flag",
}

bp = Blueprint("langfuse_traces", __name__, url_prefix=PREFIX)
set_up(bp)


class TracesQuery(PageQuery, kw_only=True):
    """Filters of the list of traces, all of which must hold."""

    user_id: str | None = None
    name: str | None = None
    session_id: str | None = None
    from_timestamp: Time | None = None
    to_timestamp: Annotated[Time | None, Meta(description="exclusive")] = None
    order_by: Annotated[str | None, Meta(description="field.asc or field.desc")] = None
    tags: Annotated[Texts, Meta(description="all of them")] = field(default_factory=list)
    version: str | None = None
    release: str | None = None
    environment: Annotated[Texts, Meta(description="any of them")] = field(default_factory=list)
    fields: Annotated[str | None, Meta(description=", ".join(GROUPS))] = None
    filter: Filter | None = None


class TraceQuery(Query, kw_only=True):
    """The requested groups of a trace's fields."""

    fields: str | None = None


class Traces(Answer, kw_only=True):
    """A page of traces."""

    data: list[ListedTrace]
    meta: PageMeta


@bp.get("/traces")
@describe(
    Operation(summary="List traces", query=TracesQuery, answers={200: Traces}, problems=PROBLEMS)
)
def list_traces() -> Response:
    """Return one page of the project's traces, newest first unless the query sets the order."""
    query = read_params(TracesQuery)
    groups = _groups(query.fields)
    order, descending = _order(query.order_by)
    rows, total = trace_search.page_traces(
        current_project_id(),
        _conditions(query),
        order=order,
        descending=descending,
        limit=query.limit,
        offset=query.offset,
    )
    ids = [row.trace_id for row in rows]
    spans = span_search.span_ids(
        current_project_id(), ids if "observations" in groups else [], MAX_IDS
    )
    scores = _score_ids(ids if "scores" in groups else [])
    data = [
        ListedTrace(
            **core_trace(row, io="io" in groups),
            **metrics_of(row, requested="metrics" in groups),
            observations=spans.get(row.trace_id, []),
            scores=scores.get(row.trace_id, []),
        )
        for row in rows
    ]
    return reply(Traces(data=data, meta=page_meta(query, total)))


@bp.get("/traces/<id:trace_id>")
@describe(
    Operation(
        summary="Read a trace",
        query=TraceQuery,
        answers={200: FullTrace},
        problems=(*PROBLEMS, 404, 413),
    )
)
def read_trace(trace_id: str) -> Response:
    """Return a trace with its observations and scores."""
    groups = _groups(read_params(TraceQuery).fields)
    row = traces.get_trace(current_project_id(), trace_id)
    if row is None:
        raise missing("Trace", trace_id)
    if "observations" in groups and row.span_count > MAX_OBSERVATIONS:
        raise TooLarge(
            f"the trace has {row.span_count} observations: read it without the group"
            f" observations, and these from {PREFIX}/v2/observations?traceId=…"
        )
    of_trace = [Condition("trace_id", "=", trace_id)]
    spans = span_search.list_spans(
        current_project_id(), of_trace, limit=MAX_OBSERVATIONS if "observations" in groups else 0
    )
    score_rows = search.list_scores(
        current_project_id(), [*of_trace, UNCORRECTED], limit=MAX_IDS if "scores" in groups else 0
    )
    return reply(
        FullTrace(
            **core_trace(row, io="io" in groups),
            **metrics_of(row, requested="metrics" in groups),
            observations=[observation(span) for span in reversed(spans)],
            scores=[
                score(found_score, current_project_id(), trace=False) for found_score in score_rows
            ],
        )
    )


def session_traces(session_id: str) -> list[CoreTrace]:
    """Return the traces of a session, newest first, up to MAX_IDS."""
    rows, _ = trace_search.page_traces(
        current_project_id(), [Condition("session_id", "=", session_id)], limit=MAX_IDS, offset=0
    )
    return [CoreTrace(**core_trace(row, io=True)) for row in rows]


def _groups(fields: str | None) -> frozenset[str]:
    """Return the requested groups of fields: all of them where no known one is named."""
    return groups_of(fields, GROUPS) or frozenset(GROUPS)


def _order(sent: str | None) -> tuple[str, bool]:
    if sent is None:
        return "start_time", True
    field, _, direction = sent.partition(".")
    if field not in ORDERS or direction.lower() not in ("asc", "desc"):
        names = ", ".join(ORDERS)
        raise Invalid.of_field(
            "orderBy", f"expected one of {names}, then .asc or .desc, got {sent!r}"
        )
    return ORDERS[field], direction.lower() == "desc"


def _conditions(query: TracesQuery) -> list[Condition]:
    plain = ("user_id", "name", "session_id", "version", "release")
    plain_conditions = [
        Condition(name, "=", value) for name in plain if (value := getattr(query, name)) is not None
    ]
    if query.from_timestamp is not None:
        plain_conditions.append(Condition("start_time", ">=", query.from_timestamp))
    if query.to_timestamp is not None:
        plain_conditions.append(Condition("start_time", "<", query.to_timestamp))
    if query.tags:
        plain_conditions.append(Condition("tags", "all of", query.tags))
    if query.environment:
        plain_conditions.append(Condition("environment", "any of", query.environment))
    filtered = [as_stored(condition) for condition in read_filter(query.filter, COLUMNS)]
    return with_filter(plain_conditions, filtered)


def _score_ids(trace_ids: list[str]) -> dict[str, list[str]]:
    ids_by_trace: dict[str, list[str]] = {}
    if trace_ids:
        of_traces = [Condition("trace_id", "any of", trace_ids)]
        for row in search.list_scores(current_project_id(), of_traces, limit=MAX_IDS):
            ids_by_trace.setdefault(row.trace_id or "", []).append(row.score_id)
    return ids_by_trace
