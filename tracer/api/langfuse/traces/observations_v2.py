"""Reads of observations in version 2 of the API: cursors, groups of fields, unparsed payloads."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
from flask import Blueprint, Response
from msgspec import Meta

from tracer import exact_json
from tracer.api.langfuse import answers
from tracer.api.langfuse.answers import Answer, json_time_in_millis_or_none
from tracer.api.langfuse.params import (
    decode_cursor,
    encode_cursor,
    groups_of,
    read_params,
)
from tracer.api.langfuse.span_prices import AppliedPrice, applied_price
from tracer.api.langfuse.traces.observations import ObservationFilters, conditions
from tracer.errors import Invalid
from tracer.records import Json
from tracer.store.database.conditions import Condition
from tracer.store.database.session import within
from tracer.store.traces import span_search
from tracer.store.traces.span_search import FoundSpan, SpanKey
from tracer.times import json_time_in_millis
from tracer.web.keys import current_project_id
from tracer.web.langfuse.routes import PREFIX, PROBLEMS, reply, set_up
from tracer.web.operations import Operation, describe
from tracer.wire.langfuse.words import TYPE_OF

GROUPS: Final = (
    "core",
    "basic",
    "time",
    "io",
    "metadata",
    "model",
    "usage",
    "prompt",
    "metrics",
    "trace_context",
)
SHORT: Final = 200
"""Length (characters) to which metadata values are cut unless some are requested by key."""

bp = Blueprint("langfuse_observations_v2", __name__, url_prefix=PREFIX)
set_up(bp)


class ObservationsV2Query(ObservationFilters, kw_only=True):
    """A page of observations after a cursor."""

    fields: Annotated[str | None, Meta(description=", ".join(GROUPS))] = None
    expand_metadata: Annotated[str | None, Meta(description="keys, with commas")] = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    cursor: str | None = None
    session_id: str | None = None
    is_root_observation: bool | None = None
    parse_io_as_json: bool | None = None


class CursorMeta(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The cursor of the next page; absent: this is the last page."""

    cursor: str | None = None


class ObservationsV2(Answer, kw_only=True):
    """A page of observations with the requested groups of fields."""

    data: list[dict[str, Any]]
    meta: CursorMeta


@bp.get("/v2/observations")
@describe(
    Operation(
        summary="List observations by groups of fields",
        query=ObservationsV2Query,
        answers={200: ObservationsV2},
        problems=(*PROBLEMS, 422),
    )
)
def list_observations_v2() -> Response:
    """Return one page of the project's observations, newest first."""
    query = read_params(ObservationsV2Query)
    if query.parse_io_as_json:
        raise Invalid.of_field(
            "parseIoAsJson", "expected false: input and output are raw text here"
        )
    groups = groups_of(query.fields or "core,basic", GROUPS)
    after = None
    if query.cursor is not None:
        after = SpanKey(*decode_cursor(query.cursor, tuple[datetime, str, str]))
    with within():
        rows = span_search.list_spans(
            current_project_id(), _conditions(query), after=after, limit=query.limit + 1
        )
    page, meta = rows[: query.limit], CursorMeta()
    if len(rows) > query.limit:
        meta.cursor = encode_cursor(
            *SpanKey(page[-1].start_time, page[-1].trace_id, page[-1].span_id)
        )
    # As in Langfuse, requesting any key returns all values uncut.
    cut = None if query.expand_metadata else SHORT
    data = [_observation(row, groups, cut) for row in page]
    return reply(ObservationsV2(data=data, meta=meta))


def _conditions(query: ObservationsV2Query) -> list[Condition]:
    return conditions(query, {"session_id": query.session_id, "is_root": query.is_root_observation})


def _observation(row: FoundSpan, groups: frozenset[str], cut: int | None) -> dict[str, Any]:
    fields = _core(row)
    for group in GROUPS[1:]:
        if group == "metadata" and group in groups:
            fields["metadata"] = _metadata(row.metadata, cut)
        elif group in groups:
            fields |= _FIELDS[group](row)
    return fields | _price(row, groups)


def _price(row: FoundSpan, groups: frozenset[str]) -> dict[str, Any]:
    price = applied_price(row) if groups & {"model", "usage"} else AppliedPrice()
    shown = price if "model" in groups else AppliedPrice()
    # These fields are always present, and filled only with their group.
    fields = {
        "modelId": shown.model_id,
        "inputPrice": _decimal(shown.input_price),
        "outputPrice": _decimal(shown.output_price),
        "totalPrice": _decimal(shown.total_price),
    }
    if "model" in groups:
        fields["internalModelId"] = price.model_id
    if "usage" in groups:
        fields["usagePricingTierName"] = price.tier
    return fields


def _decimal(price: Decimal | None) -> str | None:
    return None if price is None else format(price.normalize(), "f")


def _core(row: FoundSpan) -> dict[str, Any]:
    return {
        "id": row.span_id,
        "traceId": row.trace_id,
        "startTime": json_time_in_millis(row.start_time),
        "endTime": json_time_in_millis_or_none(row.end_time),
        "projectId": row.project_id,
        "parentObservationId": row.parent_span_id,
        "type": TYPE_OF[row.kind],
    }


def _basic(row: FoundSpan) -> dict[str, Any]:
    return {
        "name": row.name or None,
        "level": row.level.upper(),
        "statusMessage": row.status_message,
        "version": answers.version_of(row),
        "environment": answers.environment_of(row),
        "bookmarked": row.bookmarked and row.parent_span_id is None,
        "public": row.public,
        "userId": row.user_id,
        "sessionId": row.session_id,
        "isRootObservation": answers.is_root(row),
    }


def _time(row: FoundSpan) -> dict[str, Any]:
    return {
        "completionStartTime": json_time_in_millis_or_none(row.first_token_time),
        "createdAt": json_time_in_millis(row.start_time),
        "updatedAt": json_time_in_millis(row.updated_at),
    }


def _io(row: FoundSpan) -> dict[str, Any]:
    return {"input": exact_json.to_text(row.input), "output": exact_json.to_text(row.output)}


def _model(row: FoundSpan) -> dict[str, Any]:
    return {
        # Both names: Langfuse's documentation uses one, its SDKs the other.
        "providedModelName": row.model,
        "model": row.model,
        "modelParameters": row.model_parameters,
    }


def _usage(row: FoundSpan) -> dict[str, Any]:
    return {
        "usageDetails": answers.usage_details(row.usage),
        "costDetails": answers.cost_details(row.cost, row.total_cost),
        "totalCost": answers.dollars(row.total_cost),
    }


def _prompt(row: FoundSpan) -> dict[str, Any]:
    return {
        "promptId": answers.prompt_id(row.prompt_name, row.prompt_version),
        "promptName": row.prompt_name,
        "promptVersion": row.prompt_version,
    }


def _metrics(row: FoundSpan) -> dict[str, Any]:
    return {
        "latency": answers.seconds_between(row.start_time, row.end_time),
        "timeToFirstToken": answers.seconds_between(row.start_time, row.first_token_time),
    }


def _context(row: FoundSpan) -> dict[str, Any]:
    return {"tags": row.tags, "release": row.release, "traceName": row.trace_name or None}


_FIELDS: Final = {
    "basic": _basic,
    "time": _time,
    "io": _io,
    "model": _model,
    "usage": _usage,
    "prompt": _prompt,
    "metrics": _metrics,
    "trace_context": _context,
}


def _metadata(metadata: dict[str, Json], cut: int | None) -> dict[str, str]:
    return {key: (exact_json.to_text(value) or "")[:cut] for key, value in metadata.items()}
